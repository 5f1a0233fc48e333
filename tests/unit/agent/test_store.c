/*
 * test_store.c: replacing, extending, compressing, removing, reading and listing files, by io_uring
 * and by plain calls. Every test runs with both.
 */
#include "agent/store/read.h"
#include "agent/store/store.h"
#include "agent/store/temporary.h"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct fixture {
	enum store_io io;
	char path[64];
	int dirfd;
	struct store *store;
};

/* The outcome of the last operation. */
static struct {
	int done;
	int error;
	enum store_step step;
	char bytes[256];
	size_t length;
	size_t removed;
	bool more;
} last;

static void note(void *context, const struct store_result *r)
{
	assert_ptr_equal(context, &last);
	last.done++;
	last.error = r->error;
	last.step = r->step;
	last.length = r->length;
	last.bytes[0] = '\0';
	if (r->bytes && r->length < sizeof(last.bytes))
		strcpy(last.bytes, r->bytes);
	last.removed = r->removed;
	last.more = r->more;
}

static int setup(void **state, enum store_io io)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int refused;

	f->io = io;
	strcpy(f->path, "/tmp/orbus-store-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->dirfd = open(f->path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(store_open(io, f->dirfd, -1, &f->store, &refused), 0);
	assert_string_equal(store_kind(f->store), io == STORE_IO_URING ? "io_uring" : "posix");
	memset(&last, 0, sizeof(last));
	*state = f;
	return 0;
}

static int setup_uring(void **state)
{
	return setup(state, STORE_IO_URING);
}

static int setup_posix(void **state)
{
	return setup(state, STORE_IO_POSIX);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	assert_true(store_close(f->store, 20000));
	close(f->dirfd);
	snprintf(command, sizeof(command), "rm -rf %s", f->path);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void finish(struct fixture *f, int done)
{
	assert_int_equal(store_flush(f->store, 20000), 0);
	assert_int_equal(last.done, done);
}

static void put(struct fixture *f, const char *name, const char *text)
{
	assert_int_equal(
	    store_put(f->store, name, strdup(text), strlen(text), 0640, note, &last), 0);
}

/* What the folder holds: its names, and of one file the content. */
static int count_names(const struct fixture *f)
{
	char command[128];
	FILE *out;
	int n;

	snprintf(command, sizeof(command), "ls -A %s | wc -l", f->path);
	out = popen(command, "r");
	assert_int_equal(fscanf(out, "%d", &n), 1);
	pclose(out);
	return n;
}

static void expect_content(const struct fixture *f, const char *name, const char *text)
{
	char bytes[256] = "";
	int fd = openat(f->dirfd, name, O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, bytes, sizeof(bytes) - 1) >= 0);
	close(fd);
	assert_string_equal(bytes, text);
}

static void a_put_creates_and_replaces_whole_files(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	put(f, "a.json", "a longer first content");
	put(f, "a.json", "second");
	put(f, "empty.json", "");
	finish(f, 3);
	assert_int_equal(last.error, 0);
	expect_content(f, "a.json", "second");
	expect_content(f, "empty.json", "");
	assert_int_equal(count_names(f), 2);
	assert_int_equal(fstatat(f->dirfd, "a.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void large_files_are_whole(void **state)
{
	struct fixture *f = *state;
	size_t length = 40 << 20;
	char *bytes = malloc(length), *back = malloc(length);
	int fd;

	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(i * 31 >> 3);
	memcpy(back, bytes, length);
	assert_int_equal(store_put(f->store, "big", bytes, length, 0600, note, &last), 0);
	finish(f, 1);
	assert_int_equal(last.error, 0);
	bytes = malloc(length);
	fd = openat(f->dirfd, "big", O_RDONLY);
	assert_int_equal(read(fd, bytes, length), length);
	assert_memory_equal(bytes, back, length);
	close(fd);
	free(bytes);
	free(back);
}

static void operations_keep_their_order(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 50; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		put(f, "same", text);
	}
	assert_int_equal(store_remove(f->store, "same", note, &last), 0);
	put(f, "same", "last");
	finish(f, 52);
	expect_content(f, "same", "last");
}

static void a_missing_file_is_removed_already(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_remove(f->store, "none", note, &last), 0);
	finish(f, 1);
	assert_int_equal(last.error, 0);
}

static void a_file_is_renamed_over_another(void **state)
{
	struct fixture *f = *state;

	put(f, "a", "first");
	assert_int_equal(store_rename(f->store, "a", "b", note, &last), 0);
	put(f, "a", "second");
	assert_int_equal(store_rename(f->store, "a", "b", note, &last), 0);
	finish(f, 4);
	assert_int_equal(last.error, 0);
	expect_content(f, "b", "second");
	assert_int_equal(count_names(f), 1);
	assert_int_equal(store_rename(f->store, "a", "b", note, &last), 0);
	finish(f, 5);
	assert_int_equal(last.error, -ENOENT);
	assert_int_equal(last.step, STORE_STEP_RENAME);
	assert_int_equal(store_rename(f->store, "b", "../c", note, &last), -EINVAL);
}

static void write_at(struct fixture *f, const char *name, uint64_t offset, const char *text)
{
	assert_int_equal(
	    store_write(f->store, name, offset, text, strlen(text), 0640, note, &last), 0);
}

static void a_file_is_extended_where_it_is_told(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	write_at(f, "a", 0, "first\n");
	write_at(f, "a", 6, "second, of which part is lost\n");
	write_at(f, "a", 6, "2nd\n");
	finish(f, 3);
	assert_int_equal(last.error, 0);
	expect_content(f, "a", "first\n2nd\nnd, of which part is lost\n");
	assert_int_equal(fstatat(f->dirfd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	write_at(f, "a", 0, "anew\n");
	finish(f, 4);
	expect_content(f, "a", "anew\n");
}

static void only_a_regular_file_that_is_there_is_extended(void **state)
{
	struct fixture *f = *state;

	write_at(f, "none", 1, "x");
	finish(f, 1);
	assert_int_equal(last.error, -ENOENT);
	assert_int_equal(last.step, STORE_STEP_CREATE);
	put(f, "a", "content");
	assert_int_equal(symlinkat("a", f->dirfd, "link"), 0);
	write_at(f, "link", 0, "x");
	finish(f, 3);
	assert_int_equal(last.error, -ELOOP);
	assert_int_equal(mkfifoat(f->dirfd, "pipe", 0600), 0);
	write_at(f, "pipe", 0, "x");
	finish(f, 4);
	assert_int_equal(last.error, -ENXIO);
	assert_int_equal(mkdirat(f->dirfd, "folder", 0700), 0);
	write_at(f, "folder", 0, "x");
	finish(f, 5);
	assert_int_equal(last.error, -EISDIR);
	/* Nothing of these is in the next one's way. */
	write_at(f, "a", 7, ", more");
	finish(f, 6);
	assert_int_equal(last.error, 0);
	expect_content(f, "a", "content, more");
}

static void expect_unpacked(const struct fixture *f, const char *name, const char *text)
{
	char command[160], bytes[256] = "";
	FILE *out;

	snprintf(command, sizeof(command), "zstd -dcq %s/%s", f->path, name);
	out = popen(command, "r");
	assert_non_null(out);
	assert_in_range(fread(bytes, 1, sizeof(bytes) - 1, out), 1, sizeof(bytes) - 1);
	assert_int_equal(pclose(out), 0);
	assert_string_equal(bytes, text);
}

static void a_file_is_compressed_step_by_step(void **state)
{
	struct fixture *f = *state;
	char temporary[STORE_TEMPORARY_BYTES];

	assert_int_equal(store_temporary_name("a.zst", temporary), 0);
	assert_true(store_is_temporary(temporary));
	put(f, "a", "one two three and what is not wanted");
	assert_int_equal(
	    store_compress(f->store, "a", 0, 4, temporary, NULL, 0640, note, &last), 0);
	assert_int_equal(
	    store_compress(f->store, "a", 4, 9, temporary, "a.zst", 0640, note, &last), 0);
	finish(f, 3);
	assert_int_equal(last.error, 0);
	expect_unpacked(f, "a.zst", "one two three");
	assert_int_equal(count_names(f), 2);
}

static void a_file_that_is_too_short_is_not_compressed(void **state)
{
	struct fixture *f = *state;
	char temporary[STORE_TEMPORARY_BYTES];

	assert_int_equal(store_temporary_name("a.zst", temporary), 0);
	put(f, "a", "short");
	assert_int_equal(
	    store_compress(f->store, "a", 0, 6, temporary, "a.zst", 0600, note, &last), 0);
	finish(f, 2);
	assert_int_equal(last.error, -ENODATA);
	assert_int_equal(last.step, STORE_STEP_READ);
	assert_int_equal(faccessat(f->dirfd, "a.zst", F_OK, 0), -1);
	assert_int_equal(
	    store_compress(f->store, "none", 0, 6, temporary, "x", 0600, note, &last), 0);
	finish(f, 3);
	assert_int_equal(last.error, -ENOENT);
	assert_int_equal(
	    store_compress(f->store, "a", 0, 5, "not-temporary", "x", 0600, note, &last), -EINVAL);
}

static void files_are_read_but_links_are_not(void **state)
{
	struct fixture *f = *state;

	put(f, "a", "content");
	finish(f, 1);
	assert_int_equal(store_get(f->store, "a", note, &last), 0);
	finish(f, 2);
	assert_int_equal(last.error, 0);
	assert_int_equal(last.length, 7);
	assert_string_equal(last.bytes, "content");
	assert_int_equal(store_get(f->store, "none", note, &last), 0);
	finish(f, 3);
	assert_int_equal(last.error, -ENOENT);
	assert_int_equal(last.step, STORE_STEP_READ);
	assert_int_equal(symlinkat("a", f->dirfd, "link"), 0);
	assert_int_equal(store_get(f->store, "link", note, &last), 0);
	finish(f, 4);
	assert_int_equal(last.error, -ELOOP);
	assert_int_equal(mkdirat(f->dirfd, "folder", 0700), 0);
	assert_int_equal(store_get(f->store, "folder", note, &last), 0);
	finish(f, 5);
	assert_int_equal(last.error, -EISDIR);
}

static void what_is_no_file_of_ours_is_told_from_an_error(void **state)
{
	struct fixture *f = *state;
	char *bytes;
	size_t length;
	uint64_t size;

	put(f, "a", "content");
	finish(f, 1);
	assert_int_equal(store_read_file(f->dirfd, "a", 7, &bytes, &length), 0);
	assert_string_equal(bytes, "content");
	assert_int_equal(length, 7);
	free(bytes);
	assert_int_equal(symlinkat("a", f->dirfd, "link"), 0);
	assert_int_equal(mkdirat(f->dirfd, "folder", 0700), 0);
	assert_int_equal(mkfifoat(f->dirfd, "pipe", 0600), 0);
	assert_int_equal(store_read_file(f->dirfd, "a", 6, &bytes, &length), -EFBIG);
	assert_int_equal(store_read_file(f->dirfd, "link", 99, &bytes, &length), -ELOOP);
	assert_int_equal(store_read_file(f->dirfd, "folder", 99, &bytes, &length), -EISDIR);
	assert_int_equal(store_read_file(f->dirfd, "pipe", 99, &bytes, &length), -ENXIO);
	assert_int_equal(store_read_file(f->dirfd, "none", 99, &bytes, &length), -ENOENT);
	assert_int_equal(store_read_file(-1, "none", 99, &bytes, &length), -EBADF);
	assert_int_equal(store_look(f->dirfd, "a", &size), 0);
	assert_int_equal(size, 7);
	assert_true(store_is_foreign(store_look(f->dirfd, "pipe", &size)));
	assert_false(store_is_foreign(-EIO));
	assert_false(store_is_foreign(-EBADMSG));
}

static bool is_old(const void *order, const char *name)
{
	return strncmp(name, order, strlen(order)) == 0;
}

/* Steps, until there are no more. */
static size_t sweep_all(struct fixture *f, const char *prefix)
{
	size_t removed = 0;
	int done = last.done;

	do {
		assert_int_equal(store_sweep(f->store, is_old, prefix, note, &last), 0);
		finish(f, ++done);
		removed += last.removed;
	} while (last.more);
	return removed;
}

static void fill(const struct fixture *f, const char *prefix, int files)
{
	char name[32];

	for (int i = 0; i < files; i++) {
		snprintf(name, sizeof(name), "%s%d", prefix, i);
		close(openat(f->dirfd, name, O_WRONLY | O_CREAT, 0600));
	}
}

static void a_sweep_removes_the_regular_files_that_are_wanted_gone(void **state)
{
	struct fixture *f = *state;

	fill(f, "old", 3000);
	fill(f, "young", 30);
	assert_int_equal(symlinkat("young1", f->dirfd, "old-link"), 0);
	assert_int_equal(mkdirat(f->dirfd, "old-folder", 0700), 0);
	assert_int_equal(sweep_all(f, "old"), 3000);
	assert_int_equal(last.error, 0);
	assert_int_equal(count_names(f), 32);
	assert_int_equal(sweep_all(f, "old"), 0);
}

/* A step says what it could not remove, and goes on with the others. */
static void a_sweep_passes_over_what_it_cannot_remove(void **state)
{
	struct fixture *f = *state;
	char command[128];
	int errors = 0;

	fill(f, "old", 20);
	snprintf(command, sizeof(command), "chattr +i %s/old7 2>/dev/null", f->path);
	if (system(command) != 0)
		skip();
	for (int done = 1;; done++) {
		assert_int_equal(store_sweep(f->store, is_old, "old", note, &last), 0);
		finish(f, done);
		errors += last.error == -EPERM && last.step == STORE_STEP_REMOVE;
		if (!last.more)
			break;
	}
	assert_true(errors > 0);
	assert_int_equal(count_names(f), 1);
	snprintf(command, sizeof(command), "chattr -i %s/old7", f->path);
	assert_int_equal(system(command), 0);
}

static char sequence[64];

static void note_order(void *context, const struct store_result *r)
{
	strcat(sequence, context);
	if (r->error)
		strcat(sequence, r->error == -ECANCELED ? "!" : "?");
}

/* All other operations go before the next step of a sweep. */
static void sweeps_wait_behind_everything_else(void **state)
{
	struct fixture *f = *state;

	fill(f, "old", 10);
	sequence[0] = '\0';
	store_sweep(f->store, is_old, "old", note_order, "s");
	store_put(f->store, "a", strdup("x"), 1, 0600, note_order, "p");
	store_write(f->store, "b", 0, "x", 1, 0600, note_order, "w");
	store_remove(f->store, "b", note_order, "r");
	assert_int_equal(store_flush(f->store, 20000), 0);
	assert_string_equal(sequence, "pwrs");
}

/* Operations that have begun are finished, the others given up; all owners are called. */
static void closing_gives_up_what_has_not_begun(void **state)
{
	struct fixture *f = *state;
	int refused;

	fill(f, "old", 10);
	sequence[0] = '\0';
	store_put(f->store, "a", calloc(1, 8 << 20), 8 << 20, 0600, note_order, "a");
	(void)store_poll(f->store);
	store_sweep(f->store, is_old, "old", note_order, "s");
	store_put(f->store, "b", strdup("x"), 1, 0600, note_order, "b");
	assert_true(store_close(f->store, 20000));
	assert_string_equal(sequence, "b!s!a");
	assert_int_equal(count_names(f), 11);
	assert_int_equal(store_open(f->io, f->dirfd, -1, &f->store, &refused), 0);
}

static void a_put_onto_a_folder_fails_and_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdirat(f->dirfd, "taken", 0700), 0);
	put(f, "taken", "x");
	finish(f, 1);
	assert_int_equal(last.error, -EISDIR);
	assert_int_equal(last.step, STORE_STEP_RENAME);
	assert_int_equal(count_names(f), 1);
	/* The next one is not disturbed. */
	put(f, "free", "y");
	finish(f, 2);
	assert_int_equal(last.error, 0);
}

static void a_removed_folder_is_an_error(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rmdir(f->path), 0);
	put(f, "a", "x");
	finish(f, 1);
	assert_int_equal(last.error, -ENOENT);
	assert_int_equal(last.step, STORE_STEP_CREATE);
}

static void a_full_disk_is_an_error_until_there_is_room(void **state)
{
	struct fixture *f = *state;
	char command[256];
	int refused;

	snprintf(command, sizeof(command),
	    "mount -t tmpfs -o size=64k tmpfs %s 2>/dev/null && head -c 60000 /dev/zero > %s/filler",
	    f->path, f->path);
	if (system(command) != 0)
		skip();
	assert_true(store_close(f->store, 20000));
	close(f->dirfd);
	f->dirfd = open(f->path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(store_open(f->io, f->dirfd, -1, &f->store, &refused), 0);
	assert_int_equal(store_put(f->store, "a", calloc(1, 30000), 30000, 0600, note, &last), 0);
	finish(f, 1);
	assert_int_equal(last.error, -ENOSPC);
	assert_int_equal(last.step, STORE_STEP_WRITE);
	assert_int_equal(count_names(f), 1);
	assert_int_equal(unlinkat(f->dirfd, "filler", 0), 0);
	put(f, "a", "x");
	finish(f, 2);
	assert_int_equal(last.error, 0);
	snprintf(command, sizeof(command), "umount -l %s", f->path);
	assert_int_equal(system(command), 0);
}

static void only_plain_names_are_taken(void **state)
{
	static const char *const names[] = {"", ".", "..", "a/b", "/a"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(
		    store_put(f->store, names[i], strdup("x"), 1, 0600, note, &last), -EINVAL);
}

static void temporary_names_are_known(void **state)
{
	char own[STORE_TEMPORARY_BYTES];

	(void)state;
	assert_int_equal(store_temporary_name("a.json", own), 0);
	assert_true(store_is_temporary(own));
	assert_false(store_is_left_behind(own));
	assert_true(store_is_left_behind(".a.json.0123456789abcdef.tmp"));
	assert_false(store_is_left_behind("a.json"));
	assert_true(store_is_temporary(".a.json.0123456789abcdef.tmp"));
	assert_false(store_is_temporary("a.json.0123456789abcdef.tmp"));
	assert_false(store_is_temporary(".a.json.0123456789abcde.tmp"));
	assert_false(store_is_temporary(".0123456789abcdef.tmp"));
	assert_false(store_is_temporary(".a.json.0123456789abcdeg.tmp"));
	assert_false(store_is_temporary("a"));
	assert_false(store_is_temporary(""));
}

static int take_lock(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

static void write_for_ever(const struct fixture *f)
{
	int fd = openat(f->dirfd, "lock", O_RDWR | O_CREAT, 0600), refused;
	struct store *store;

	if (take_lock(fd) < 0 || store_open(f->io, f->dirfd, fd, &store, &refused) < 0)
		_exit(1);
	for (int i = 0;; i++) {
		char *bytes = malloc(8 << 20);

		memset(bytes, i, 8 << 20);
		store_put(store, "file", bytes, 8 << 20, 0600, NULL, NULL);
		store_flush(store, 3);
	}
}

/* Once the lock is free, no write of the dead can land any more. */
static void a_killed_store_is_done_when_its_lock_is_free(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 5; round++) {
		struct stat before, after;
		pid_t child = fork();
		int fd;

		if (child == 0)
			write_for_ever(f);
		nanosleep(&(struct timespec){0, 60000000 + round * 7000000}, NULL);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		fd = openat(f->dirfd, "lock", O_RDWR | O_CREAT, 0600);
		for (int i = 0; i < 5000 && take_lock(fd) < 0; i++)
			nanosleep(&(struct timespec){0, 1000000}, NULL);
		memset(&before, 0, sizeof(before));
		memset(&after, 0, sizeof(after));
		fstatat(f->dirfd, "file", &before, 0);
		nanosleep(&(struct timespec){0, 50000000}, NULL);
		fstatat(f->dirfd, "file", &after, 0);
		assert_int_equal(before.st_ino, after.st_ino);
		assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
		assert_true(before.st_size == 0 || before.st_size == 8 << 20);
		close(fd);
	}
}

#define both(f)                                               \
	{#f " [io_uring]", f, setup_uring, teardown, NULL},   \
	{                                                     \
#f " [posix]", f, setup_posix, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    both(a_put_creates_and_replaces_whole_files),
	    both(large_files_are_whole),
	    both(operations_keep_their_order),
	    both(a_missing_file_is_removed_already),
	    both(a_file_is_renamed_over_another),
	    both(a_file_is_extended_where_it_is_told),
	    both(only_a_regular_file_that_is_there_is_extended),
	    both(a_file_is_compressed_step_by_step),
	    both(a_file_that_is_too_short_is_not_compressed),
	    both(files_are_read_but_links_are_not),
	    both(what_is_no_file_of_ours_is_told_from_an_error),
	    both(a_sweep_removes_the_regular_files_that_are_wanted_gone),
	    both(a_sweep_passes_over_what_it_cannot_remove),
	    both(sweeps_wait_behind_everything_else),
	    both(closing_gives_up_what_has_not_begun),
	    both(a_put_onto_a_folder_fails_and_leaves_nothing),
	    both(a_removed_folder_is_an_error),
	    both(a_full_disk_is_an_error_until_there_is_room),
	    both(only_plain_names_are_taken),
	    both(a_killed_store_is_done_when_its_lock_is_free),
	    cmocka_unit_test(temporary_names_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
