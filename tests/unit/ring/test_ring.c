/*
 * test_ring.c: publishing and reading: order, loss to the sample, lanes, fork, removal, refusal.
 */
#include "base/now.h"
#include "orbus.h"
#include "ring/layout.h"
#include "ring/reader.h"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void publish_number(struct orbus_producer *p, uint64_t n)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.prompt_tokens = n;
	assert_int_equal(orbus_publish(p, &s), 0);
}

static struct orbus_producer *producer(const char *bus)
{
	struct orbus_producer *p;

	assert_int_equal(orbus_producer_open(bus, "bot", &p), 0);
	return p;
}

static struct orbus_reader *reader(const char *bus)
{
	struct orbus_reader *r;

	assert_int_equal(orbus_reader_open(bus, &r), 0);
	return r;
}

static void small_bus(const char *bus, unsigned lanes)
{
	const struct orbus_create_options o = {.lanes = lanes, .slots = 64};

	assert_int_equal(orbus_create(bus, &o), 0);
}

static void samples_come_in_order(void **state)
{
	struct orbus_producer *p = producer(*state);
	struct orbus_reader *r = reader(*state);
	struct orbus_sample s;

	for (uint64_t i = 0; i < 1000; i++)
		publish_number(p, i);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(orbus_reader_next(r, &s), 1);
		assert_int_equal(s.prompt_tokens, i);
		assert_string_equal(s.bot, "bot");
		assert_true(s.ts > 1700000000000000000u);
	}
	assert_int_equal(orbus_reader_next(r, &s), 0);
	assert_int_equal(orbus_reader_lost(r), 0);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

/* For any lag of the reader: read + lost = published, and samples come in order. */
static void loss_is_counted_to_the_sample(void **state)
{
	static const unsigned lags[] = {0, 1, 63, 64, 65, 100, 128, 1000};
	struct orbus_producer *p;
	struct orbus_reader *r;
	uint64_t published = 0, read = 0, last = 0;
	struct orbus_sample s;

	small_bus(*state, 2);
	p = producer(*state);
	r = reader(*state);
	for (size_t i = 0; i < sizeof(lags) / sizeof(lags[0]); i++) {
		for (unsigned n = 0; n < lags[i]; n++)
			publish_number(p, ++published);
		while (orbus_reader_next(r, &s) == 1) {
			assert_true(s.prompt_tokens > last);
			last = s.prompt_tokens;
			read++;
		}
		assert_int_equal(last, published);
		assert_int_equal(read + orbus_reader_lost(r), published);
	}
	assert_int_equal(orbus_reader_lost(r), 0 + 1 + 36 + 64 + 936);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

static void a_late_reader_starts_with_what_is_there(void **state)
{
	struct orbus_producer *p;
	struct orbus_reader *r;
	struct orbus_sample s;

	small_bus(*state, 1);
	p = producer(*state);
	for (uint64_t i = 0; i < 100; i++)
		publish_number(p, i);
	r = reader(*state);
	assert_int_equal(orbus_reader_next(r, &s), 1);
	assert_int_equal(s.prompt_tokens, 36);
	orbus_reader_skip(r);
	assert_int_equal(orbus_reader_next(r, &s), 0);
	assert_int_equal(orbus_reader_lost(r), 0);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

static void all_lanes_taken_is_an_error_until_one_is_free(void **state)
{
	struct orbus_producer *a, *b, *c;

	small_bus(*state, 2);
	a = producer(*state);
	b = producer(*state);
	assert_int_equal(orbus_producer_open(*state, "bot", &c), -EUSERS);
	assert_non_null(strstr(orbus_strerror(-EUSERS), "lanes"));
	orbus_producer_close(a);
	c = producer(*state);
	orbus_producer_close(b);
	orbus_producer_close(c);
}

static void the_next_owner_continues_the_lane(void **state)
{
	struct orbus_reader *r;
	struct orbus_sample s;
	uint32_t epoch = 0;

	small_bus(*state, 1);
	for (uint64_t i = 0; i < 3; i++) {
		struct orbus_producer *p = producer(*state);

		publish_number(p, i);
		orbus_producer_close(p);
	}
	r = reader(*state);
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(orbus_reader_next(r, &s), 1);
		assert_int_equal(s.prompt_tokens, i);
		assert_int_equal(reader_origin(r)->record, i);
		/* Another one for each owner, and not one that could be foretold. */
		assert_int_not_equal(reader_origin(r)->epoch, epoch);
		epoch = reader_origin(r)->epoch;
	}
	orbus_reader_close(r);
}

static void nap(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void a_killed_owner_frees_its_lane(void **state)
{
	struct orbus_producer *p;
	int ready[2], err = -EUSERS;
	char byte;
	pid_t child;

	small_bus(*state, 1);
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		p = producer(*state);
		publish_number(p, 7);
		/* A daemon that closes all its descriptors keeps its lane. */
		for (int fd = 3; fd < 64; fd++)
			if (fd != ready[1])
				close(fd);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(orbus_producer_open(*state, "bot", &p), -EUSERS);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	for (int i = 0; i < 1000 && err == -EUSERS; i++) {
		err = orbus_producer_open(*state, "bot", &p);
		nap(1);
	}
	assert_int_equal(err, 0);
	orbus_producer_close(p);
	close(ready[0]);
	close(ready[1]);
}

static void a_forked_child_gets_a_lane_of_its_own(void **state)
{
	struct orbus_producer *p = producer(*state);
	struct orbus_reader *r = reader(*state);
	struct orbus_sample s;
	unsigned from_lane[2] = {0, 0};
	int status;
	pid_t child;

	publish_number(p, 1);
	child = fork();
	if (child == 0) {
		publish_number(p, 2);
		publish_number(p, 3);
		orbus_producer_close(p);
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	publish_number(p, 4);
	while (orbus_reader_next(r, &s) == 1) {
		assert_in_range(reader_origin(r)->lane, 0, 1);
		from_lane[reader_origin(r)->lane]++;
	}
	assert_int_equal(from_lane[0], 2);
	assert_int_equal(from_lane[1], 2);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

static void a_forked_child_does_not_keep_a_dead_parents_lane(void **state)
{
	struct orbus_producer *p;
	int pipes[2], err = -EUSERS;
	pid_t parent, grandchild = 0;

	small_bus(*state, 1);
	assert_int_equal(pipe(pipes), 0);
	parent = fork();
	if (parent == 0) {
		p = producer(*state);
		grandchild = fork();
		if (grandchild == 0) {
			pause();
			_exit(0);
		}
		if (write(pipes[1], &grandchild, sizeof(grandchild)) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipes[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	for (int i = 0; i < 1000 && err == -EUSERS; i++) {
		err = orbus_producer_open(*state, "bot", &p);
		nap(1);
	}
	assert_int_equal(err, 0);
	orbus_producer_close(p);
	kill(grandchild, SIGKILL);
	close(pipes[0]);
	close(pipes[1]);
}

static void a_removed_bus_is_left_for_the_new_one(void **state)
{
	struct orbus_producer *p = producer(*state);
	struct orbus_reader *r = reader(*state);
	struct orbus_sample s;
	int got = 0;

	publish_number(p, 1);
	bus_remove(*state);
	nap(1100);
	publish_number(p, 2);
	for (int i = 0; i < 60 && got < 2; i++) {
		while (orbus_reader_next(r, &s) == 1)
			assert_int_equal(s.prompt_tokens, ++got);
		nap(50);
	}
	assert_int_equal(got, 2);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

static void removed_locks_do_not_make_two_writers(void **state)
{
	struct orbus_producer *old, *fresh;
	struct orbus_reader *r;
	struct orbus_sample s;
	char path[128];
	int got = 0;

	small_bus(*state, 1);
	old = producer(*state);
	publish_number(old, 1);
	snprintf(path, sizeof(path), "/dev/shm/%s.lanes", (char *)*state);
	assert_int_equal(unlink(path), 0);
	/* The lane's owner can no longer be seen, so a newcomer makes the bus anew. */
	fresh = producer(*state);
	publish_number(fresh, 2);
	r = reader(*state);
	while (orbus_reader_next(r, &s) == 1) {
		assert_int_equal(s.prompt_tokens, 2);
		got++;
	}
	assert_int_equal(got, 1);
	orbus_reader_close(r);
	orbus_producer_close(old);
	orbus_producer_close(fresh);
}

static void objects_are_private_by_default(void **state)
{
	static const char *const suffixes[] = {"", ".lanes"};
	struct orbus_producer *p = producer(*state);
	struct stat st;
	char path[128];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/dev/shm/%s%s", (char *)*state, suffixes[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	orbus_producer_close(p);
}

static void readers_cannot_open_the_locks(void **state)
{
	const struct orbus_create_options o = {.mode = 0640};
	struct stat st;
	char path[128];

	assert_int_equal(orbus_create(*state, &o), 0);
	assert_int_equal(orbus_create(*state, &o), 1);
	snprintf(path, sizeof(path), "/dev/shm/%s", (char *)*state);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	snprintf(path, sizeof(path), "/dev/shm/%s.lanes", (char *)*state);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_bus_that_exists_is_given_its_mode_and_keeps_its_shape(void **state)
{
	const struct orbus_create_options mode = {.mode = 0664}, nothing = {0};
	const struct orbus_create_options same = {.lanes = 2, .slots = 64, .slot_bytes = 512};
	const struct orbus_create_options others[] = {
	    {.lanes = 3}, {.slots = 128}, {.slot_bytes = 1024}, {.lanes = 2, .slots = 128}};
	struct orbus_bus_info info;
	struct stat st;
	char path[128];

	small_bus(*state, 2);
	assert_int_equal(orbus_create(*state, NULL), 1);
	assert_int_equal(orbus_create(*state, &nothing), 1);
	assert_int_equal(orbus_create(*state, &same), 1);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(orbus_create(*state, &others[i]), -EEXIST);
	assert_int_equal(orbus_create(*state, &mode), 1);
	assert_int_equal(orbus_create(*state, NULL), 1);
	snprintf(path, sizeof(path), "/dev/shm/%s", (char *)*state);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0664);
	strcat(path, ".lanes");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(orbus_inspect(*state, &info), 0);
	assert_int_equal(info.owner_uid, geteuid());
	assert_int_equal(info.lanes, 2);
}

static void what_a_publish_refuses_is_counted(void **state)
{
	struct orbus_producer *p = producer(*state);
	struct orbus_sample s;

	assert_int_equal(orbus_producer_refused(p), 0);
	publish_number(p, 1);
	orbus_sample_init(&s);
	s.response_ms = -1;
	assert_int_equal(orbus_publish(p, &s), -EDOM);
	orbus_sample_init(&s);
	s.model = "\xff";
	assert_int_equal(orbus_publish(p, &s), -EILSEQ);
	assert_int_equal(orbus_producer_refused(p), 2);
	publish_number(p, 2);
	assert_int_equal(orbus_producer_refused(p), 2);
	orbus_producer_close(p);
}

static void reading_reserves_no_memory(void **state)
{
	struct orbus_producer *p = producer(*state);
	struct orbus_reader *r = reader(*state);
	struct orbus_sample s;
	struct stat before, after;
	char path[128];

	snprintf(path, sizeof(path), "/dev/shm/%s", (char *)*state);
	assert_int_equal(stat(path, &before), 0);
	while (orbus_reader_next(r, &s) == 1)
		;
	assert_int_equal(orbus_reader_wait(r, 20), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_blocks, after.st_blocks);
	/* One lane of 256 is there: 2 MiB and a little, of half a gigabyte. */
	assert_in_range(after.st_blocks * 512, 2 << 20, 3 << 20);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

/* Writes `length` bytes at `offset` into the ring of the bus. */
static void scribble(const char *bus, off_t offset, const void *bytes, size_t length)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/dev/shm/%s", bus);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, offset), length);
	close(fd);
}

static void foreign_newer_and_cut_buses_are_refused(void **state)
{
	struct orbus_bus_info info;
	struct orbus_reader *r;
	struct orbus_producer *p;
	uint32_t version = 99;
	char path[128];

	assert_int_equal(orbus_reader_open(*state, &r), -ENOENT);
	small_bus(*state, 1);
	scribble(*state, offsetof(struct ring_header, layout_version), &version, 4);
	assert_int_equal(orbus_reader_open(*state, &r), -EPROTONOSUPPORT);
	assert_int_equal(orbus_producer_open(*state, "bot", &p), -EPROTONOSUPPORT);
	assert_int_equal(orbus_inspect(*state, &info), -EPROTONOSUPPORT);
	assert_int_equal(info.layout_version, 99);
	assert_int_equal(info.library_layout_version, ORBUS_LAYOUT_VERSION);
	scribble(*state, 0, "NOTORBUS", 8);
	assert_int_equal(orbus_reader_open(*state, &r), -EBADMSG);
	assert_int_equal(orbus_producer_open(*state, "bot", &p), -EBADMSG);
	bus_remove(*state);

	small_bus(*state, 1);
	version = 4; /* lanes: no longer what the checksum covers */
	scribble(*state, offsetof(struct ring_header, lane_count), &version, 4);
	assert_int_equal(orbus_reader_open(*state, &r), -EBADMSG);
	bus_remove(*state);

	small_bus(*state, 1);
	snprintf(path, sizeof(path), "/dev/shm/%s", (char *)*state);
	assert_int_equal(truncate(path, 8192), 0);
	assert_int_equal(orbus_reader_open(*state, &r), -EBADMSG);
	assert_int_equal(orbus_producer_open(*state, "bot", &p), -EBADMSG);
}

static void bad_samples_in_a_slot_are_counted_and_passed_over(void **state)
{
	struct orbus_producer *p;
	struct orbus_reader *r;
	struct orbus_sample s;
	off_t lane = 2 * 4096, slot = lane + (off_t)sizeof(struct lane_header);
	uint64_t huge = UINT64_C(1) << 32 | 0xffffffff;

	small_bus(*state, 1);
	p = producer(*state);
	for (uint64_t i = 0; i < 4; i++)
		publish_number(p, i);
	scribble(*state, slot + 16, "\xdd\x10\0\0\0", 5);
	scribble(*state, slot + 512 + 8, &huge, 8); /* length 4 GiB */
	r = reader(*state);
	assert_int_equal(orbus_reader_next(r, &s), 1);
	assert_int_equal(s.prompt_tokens, 2);
	assert_int_equal(orbus_reader_next(r, &s), 1);
	assert_int_equal(s.prompt_tokens, 3);
	assert_int_equal(orbus_reader_next(r, &s), 0);
	assert_int_equal(orbus_reader_rejected(r), 2);
	assert_int_equal(orbus_reader_lost(r), 0);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

static void bad_names_are_refused(void **state)
{
	static const char *const names[] = {
	    "a/b", "..", ".x", "a b", "x.lanes", "x.board", "/dev/", "\n", "/dev/shm/../x y"};
	struct orbus_reader *r;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(orbus_reader_open(names[i], &r), -EINVAL);
}

static void a_path_on_a_tmpfs_is_a_bus(void **state)
{
	char path[128];
	struct orbus_producer *p;

	snprintf(path, sizeof(path), "/dev/shm/%s.d", (char *)*state);
	assert_int_equal(mkdir(path, 0700), 0);
	strcat(path, "/ring");
	p = producer(path);
	publish_number(p, 1);
	orbus_producer_close(p);
	unlink(path);
	strcat(path, ".lanes");
	unlink(path);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(orbus_producer_open("/etc/orbus-test", "bot", &p), -ENOTSUP);
	strcat(path, "/ring"); /* of a folder that is gone */
	assert_int_equal(orbus_producer_open(path, "bot", &p), -ENOENT);
}

struct stress {
	const char *bus;
	atomic_bool done;
	atomic_ulong published;
};

static void *publish_much(void *argument)
{
	struct stress *stress = argument;
	struct orbus_producer *p;

	if (orbus_producer_open(stress->bus, "bot", &p) != 0)
		return argument;
	for (uint64_t i = 1; i <= 100000; i++) {
		struct orbus_sample s;

		orbus_sample_init(&s);
		s.prompt_tokens = s.completion_tokens = s.total_tokens = i;
		if (orbus_publish(p, &s) != 0)
			return argument;
		atomic_fetch_add(&stress->published, 1);
	}
	orbus_producer_close(p);
	return NULL;
}

/* Under ThreadSanitizer this is the proof that the seqlock has no data race. */
static void torn_samples_are_never_delivered(void **state)
{
	struct stress stress = {.bus = *state};
	pthread_t threads[2];
	struct orbus_reader *r;
	struct orbus_sample s;
	unsigned long read = 0;
	void *result;

	small_bus(*state, 2);
	r = reader(*state);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, publish_much, &stress), 0);
	do {
		while (orbus_reader_next(r, &s) == 1) {
			assert_int_equal(s.prompt_tokens, s.completion_tokens);
			assert_int_equal(s.prompt_tokens, s.total_tokens);
			read++;
		}
	} while (read + orbus_reader_lost(r) < 200000 && orbus_reader_wait(r, 5000) == 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
	assert_int_equal(atomic_load(&stress.published), 200000);
	assert_int_equal(read + orbus_reader_lost(r), 200000);
	assert_int_equal(orbus_reader_rejected(r), 0);
	orbus_reader_close(r);
}

static struct orbus_producer *burst_producer;
static unsigned burst; /* samples that are published while the reader looks at the clock */
static uint64_t burst_ns;

/* As if the reader were kept from the processor between its look at the head and at the clock. */
static uint64_t clock_of_a_burst(void)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	for (; burst > 0; burst--)
		assert_int_equal(orbus_publish(burst_producer, &s), 0);
	return burst_ns;
}

/* A reader that was kept waiting takes no honest lane for a liar, and counts what it missed. */
static void what_comes_while_the_reader_is_kept_waiting_is_counted(void **state)
{
	struct orbus_reader *r;
	struct orbus_sample s;
	unsigned long read = 0;

	small_bus(*state, 1);
	burst_producer = producer(*state);
	r = reader(*state);
	reader_set_clock(r, clock_of_a_burst);
	orbus_sample_init(&s);
	burst_ns = now_ns_of(CLOCK_BOOTTIME);
	assert_int_equal(orbus_publish(burst_producer, &s), 0);
	for (int i = 0; i < 3; i++) {
		/* 40 us go by, in which ten thousand samples are possible. */
		burst = 10000;
		burst_ns += 40000;
		while (orbus_reader_next(r, &s) == 1)
			read++;
	}
	while (orbus_reader_next(r, &s) == 1)
		read++;
	assert_int_equal(reader_lane_lies(r, 0), 0);
	assert_int_equal(read + orbus_reader_lost(r), 30001);
	orbus_reader_close(r);
	orbus_producer_close(burst_producer);
}

static void a_flood_wakes_a_sleeping_reader(void **state)
{
	struct orbus_producer *p = producer(*state);
	struct orbus_reader *r = reader(*state);
	struct orbus_sample s;
	int status;
	pid_t child;

	assert_int_equal(orbus_reader_next(r, &s), 0);
	reader_set_poll_ms(r, 60000);
	child = fork();
	if (child == 0) {
		nap(50);
		for (int i = 0; i < 1024; i++) /* a quarter of the lane */
			publish_number(p, 1);
		_exit(0);
	}
	/* Were the bell not rung, this would take its minute. */
	assert_int_equal(orbus_reader_wait(r, 30000), 1);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

static void a_bus_takes_no_place_of_a_closed_standard_file(void **state)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		int open_files = 0;

		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			close(fd);
		publish_number(producer(*state), 1);
		(void)reader_lane_is_owned(reader(*state), 0); /* it keeps the locks open */
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			open_files += fcntl(fd, F_GETFD) >= 0;
		_exit(open_files);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

static void a_request_is_timed_from_begin_to_end(void **state)
{
	struct orbus_producer *p = producer(*state);
	struct orbus_reader *r = reader(*state);
	struct orbus_request request;
	struct orbus_sample s;
	char id[24];

	assert_int_equal(orbus_request_begin(p, &request, "openai/gpt-4", true), 0);
	nap(20);
	orbus_request_first_token(&request);
	nap(20);
	request.sample.completion_tokens = 10;
	request.sample.request_id = "gen-123";
	assert_int_equal(orbus_request_end(&request, ORBUS_STATUS_OK), 0);
	assert_true(request.sample.response_ms >= 40 && request.sample.ts > 0);
	assert_int_equal(orbus_reader_next(r, &s), 1);
	assert_int_equal(s.kind, ORBUS_KIND_BEGIN);
	strcpy(id, s.request_id);
	assert_int_equal(orbus_reader_next(r, &s), 1);
	assert_int_equal(s.kind, ORBUS_KIND_REQUEST);
	assert_string_equal(s.request_id, "gen-123");
	assert_string_equal(s.begin_id, id);
	assert_true(s.ttft_ms >= 20 && s.response_ms >= s.ttft_ms + 20);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    bus_test(samples_come_in_order),
	    bus_test(loss_is_counted_to_the_sample),
	    bus_test(a_late_reader_starts_with_what_is_there),
	    bus_test(all_lanes_taken_is_an_error_until_one_is_free),
	    bus_test(the_next_owner_continues_the_lane),
	    bus_test(a_killed_owner_frees_its_lane),
	    bus_test(a_forked_child_gets_a_lane_of_its_own),
	    bus_test(a_forked_child_does_not_keep_a_dead_parents_lane),
	    bus_test(a_removed_bus_is_left_for_the_new_one),
	    bus_test(removed_locks_do_not_make_two_writers),
	    bus_test(objects_are_private_by_default),
	    bus_test(readers_cannot_open_the_locks),
	    bus_test(a_bus_that_exists_is_given_its_mode_and_keeps_its_shape),
	    bus_test(what_a_publish_refuses_is_counted),
	    bus_test(reading_reserves_no_memory),
	    bus_test(foreign_newer_and_cut_buses_are_refused),
	    bus_test(bad_samples_in_a_slot_are_counted_and_passed_over),
	    bus_test(bad_names_are_refused),
	    bus_test(a_path_on_a_tmpfs_is_a_bus),
	    bus_test(torn_samples_are_never_delivered),
	    bus_test(what_comes_while_the_reader_is_kept_waiting_is_counted),
	    bus_test(a_flood_wakes_a_sleeping_reader),
	    bus_test(a_bus_takes_no_place_of_a_closed_standard_file),
	    bus_test(a_request_is_timed_from_begin_to_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
