/*
 * test_parts.c: the helpers that the parts of the agent share, each alone: errors that are logged
 * once, files that are quarantined or cannot be read, an aggregator that is begun anew, the queue
 * of alerts.
 */
#include "agent/aggregator.h"
#include "agent/alerts/queue.h"
#include "agent/persist/quarantine.h"
#include "base/clock.h"
#include "testing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOW UINT64_C(1767225600000000000)

/* --- What is logged --------------------------------------------------------------------------- */

static int real_stderr;

/* What is written to standard error from here on, up to logged(). */
static FILE *capture(void)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	real_stderr = dup(STDERR_FILENO);
	assert_true(real_stderr >= 0);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	return f;
}

static void logged(FILE *f, char *out, size_t bytes)
{
	ssize_t n;

	assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
	close(real_stderr);
	n = pread(fileno(f), out, bytes - 1, 0);
	assert_true(n >= 0);
	out[n] = '\0';
	fclose(f);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void an_error_is_logged_once_and_so_is_its_end(void **state)
{
	static const struct {
		int error;
		const char *line; /* NULL: none */
	} cases[] = {
	    {0, NULL}, /* nothing was wrong */
	    {-ENOSPC, "could not write state: No space left on device"},
	    {-ENOSPC, NULL},
	    {-ECANCELED, NULL}, /* logs nothing: the last line stays */
	    {-ENOSPC, NULL},
	    {-EIO, "could not write state: Input/output error"},
	    {-ENOSPC, "could not write state: No space left on device"},
	    {0, "state is written again"},
	    {0, NULL},
	    {-ENOSPC, "could not write state: No space left on device"},
	};
	struct log *log = log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	struct log_once once = {0};

	(void)state;
	assert_non_null(log);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		FILE *f = capture();
		char text[4096];

		log_once(log, &once, "state", "write", cases[i].error);
		logged(f, text, sizeof(text));
		if (cases[i].line)
			assert_non_null(strstr(text, cases[i].line));
		assert_int_equal(count_lines(text), cases[i].line != NULL);
	}
	log_close(log);
}

/* --- Files that cannot be read ---------------------------------------------------------------- */

struct place {
	char path[64];
	struct folder folder;
};

static void open_place(struct place *p)
{
	memset(p, 0, sizeof(*p));
	strcpy(p->path, "/tmp/orbus-parts-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->folder.path = p->path;
	p->folder.fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->folder.lock_fd = -1;
	p->folder.calendar = (struct calendar){true, 1};
	p->folder.log = log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	assert_true(p->folder.fd >= 0);
	assert_non_null(p->folder.log);
}

static void make_file(const struct place *p, const char *name)
{
	int fd = openat(p->folder.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

/* Removes what is there: how many names began so. */
static size_t remove_files(const struct place *p, const char *beginning)
{
	DIR *dir = opendir(p->path);
	struct dirent *e;
	size_t found = 0;

	assert_non_null(dir);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		found += strncmp(e->d_name, beginning, strlen(beginning)) == 0;
		assert_int_equal(unlinkat(p->folder.fd, e->d_name, 0), 0);
	}
	closedir(dir);
	return found;
}

static void close_place(struct place *p)
{
	log_close(p->folder.log);
	close(p->folder.fd);
	assert_int_equal(rmdir(p->path), 0);
}

static void files_of_one_name_are_quarantined_side_by_side(void **state)
{
	struct place p;
	char text[16384];
	FILE *f;

	(void)state;
	open_place(&p);
	f = capture();
	for (int i = 0; i < 20; i++) {
		make_file(&p, "state");
		assert_int_equal(quarantine_file(&p.folder, "state", "is damaged"), 0);
		assert_int_equal(faccessat(p.folder.fd, "state", F_OK, 0), -1);
	}
	logged(f, text, sizeof(text));
	assert_int_equal(count_lines(text), 20);
	assert_non_null(strstr(text, "state is damaged: quarantined as state.set-aside-"));
	assert_int_equal(remove_files(&p, "state.set-aside-"), 20);
	close_place(&p);
}

static void what_cannot_be_quarantined_is_told_with_its_error(void **state)
{
	struct place p;
	char text[4096];
	FILE *f;

	(void)state;
	open_place(&p);
	f = capture();
	assert_int_equal(quarantine_file(&p.folder, "none", "is damaged"), -ENOENT);
	logged(f, text, sizeof(text));
	assert_int_equal(count_lines(text), 1);
	assert_non_null(strstr(text, "could not be quarantined: No such file or directory"));
	close_place(&p);
}

static void what_cannot_be_read_is_told_once_an_error(void **state)
{
	static const struct {
		int error;
		bool shortage_said, told;
	} cases[] = {
	    {-EIO, false, true},
	    {-EIO, false, false},
	    {-EACCES, false, true},
	    {-EIO, false, true},
	    {-ENOMEM, true, false}, /* the loop has said that memory is short */
	    {-EIO, false, true},
	    {-ENOMEM, false, true},
	};
	struct place p;

	(void)state;
	open_place(&p);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		FILE *f = capture();
		char text[4096];

		p.folder.shortage_said = cases[i].shortage_said;
		report_unreadable(&p.folder, "state", cases[i].error);
		logged(f, text, sizeof(text));
		assert_int_equal(count_lines(text), cases[i].told);
		if (cases[i].told)
			assert_non_null(strstr(text, strerror(-cases[i].error)));
	}
	close_place(&p);
}

/* --- The aggregator --------------------------------------------------------------------------- */

static enum aggregator_kept keep(void *kept, const struct orbus_sample *s)
{
	(void)s;
	++*(int *)kept;
	return AGGREGATOR_KEPT;
}

static void add_request(struct aggregator *l, uint64_t record)
{
	struct orbus_sample s = {.kind = ORBUS_KIND_REQUEST,
	    .status = ORBUS_STATUS_OK,
	    .model = "m",
	    .bot = "b",
	    .ts = NOW};
	struct sample_origin origin = {.lane = 0, .record = record};

	aggregator_add(l, &s, &origin, NOW);
}

static void an_aggregator_that_is_begun_anew_forgets_all_but_whom_it_tells(void **state)
{
	const struct calendar utc = {true, 1};
	struct aggregator l = {.keep = keep, .reference_ns = NOW};
	int kept = 0;

	(void)state;
	l.keep_context = &kept;
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(aggregator_restart(&l, &utc, 30, NOW), 0);
		assert_int_equal(l.generation, i);
		assert_int_equal(l.reference_ns, NOW);
		assert_int_equal(l.changes, 0);
		assert_null(l.periods.first);
		assert_int_equal(l.last_request_ns, 0);
		add_request(&l, i);
		assert_int_equal(kept, i);
		aggregator_fold(&l, NOW);
		assert_non_null(l.periods.first);
		l.out_of_memory = true;
	}
	aggregator_free(&l);
}

/* --- The queue of alerts ---------------------------------------------------------------------- */

static struct alert_post *append(struct alert_queue *q, uint64_t at_ns)
{
	struct alert_post *p = alert_queue_append(q, json_object(), at_ns);

	assert_non_null(p);
	return p;
}

static void a_post_is_gone_when_nobody_is_owed_it(void **state)
{
	struct alert_queue q = {0};
	struct alert_post *first, *second;

	(void)state;
	first = append(&q, 1);
	second = append(&q, 2);
	assert_int_equal(second->number, first->number + 1);
	alert_post_owe(first, "a");
	alert_post_owe(first, "b");
	alert_post_owe(second, "a");
	alert_queue_settle(&q, first->number, "a");
	assert_int_equal(q.count, 2);
	assert_string_equal(first->owed[0], "b");
	alert_queue_settle(&q, first->number, "a"); /* twice is no harm */
	alert_queue_settle(&q, 999, "a");           /* nor is one that is not there */
	assert_int_equal(q.count, 2);
	alert_queue_settle(&q, first->number, "b");
	assert_int_equal(q.count, 1);
	assert_ptr_equal(q.first, second);
	alert_queue_clear(&q);
	assert_int_equal(q.count, 0);
	assert_null(q.first);
	alert_queue_drop_oldest(&q);
}

static void no_post_is_owed_to_more_targets_than_there_may_be(void **state)
{
	struct alert_queue q = {0};
	struct alert_post *p = append(&q, 1);

	(void)state;
	for (int i = 0; i < 2 * ALERT_TARGETS_MAX; i++)
		alert_post_owe(p, "0123456789abcdef");
	assert_int_equal(p->owed_count, ALERT_TARGETS_MAX);
	for (int i = 0; i < ALERT_TARGETS_MAX; i++)
		assert_string_equal(p->owed[i], "0123456789abcdef");
	assert_null(alert_queue_append(&q, NULL, 2)); /* a payload for which there was no memory */
	assert_int_equal(q.count, 1);
	alert_queue_clear(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_error_is_logged_once_and_so_is_its_end),
	    cmocka_unit_test(files_of_one_name_are_quarantined_side_by_side),
	    cmocka_unit_test(what_cannot_be_quarantined_is_told_with_its_error),
	    cmocka_unit_test(what_cannot_be_read_is_told_once_an_error),
	    cmocka_unit_test(an_aggregator_that_is_begun_anew_forgets_all_but_whom_it_tells),
	    cmocka_unit_test(a_post_is_gone_when_nobody_is_owed_it),
	    cmocka_unit_test(no_post_is_owed_to_more_targets_than_there_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
