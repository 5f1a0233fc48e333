/*
 * test_api.c: what orbus.h refuses, and that a request may be copied and moved.
 */
#include "orbus.h"
#include "testing.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
	const char *bus;
	struct orbus_producer *p;
	struct orbus_reader *r;
	struct orbus_sample s; /* that can be published */
};

/* A failed open sets *out to NULL. */
static int open_producer(const char *bus, const char *bot)
{
	struct orbus_producer *p = (struct orbus_producer *)&p;
	int err = orbus_producer_open(bus, bot, &p);

	if (err)
		assert_null(p);
	else
		orbus_producer_close(p);
	return err;
}

static int open_reader(const char *bus)
{
	struct orbus_reader *r = (struct orbus_reader *)&r;
	int err = orbus_reader_open(bus, &r);

	if (err)
		assert_null(r);
	else
		orbus_reader_close(r);
	return err;
}

static int publish(struct world *w, void (*spoil)(struct orbus_sample *))
{
	struct orbus_sample s = w->s;

	spoil(&s);
	return orbus_publish(w->p, &s);
}

static void count_without_tags(struct orbus_sample *s)
{
	s->tag_count = 1;
}

static void tag_without_text(struct orbus_sample *s)
{
	static const struct orbus_tag tag = {NULL, "x"};

	s->tags = &tag;
	s->tag_count = 1;
}

static void too_many_tags(struct orbus_sample *s)
{
	s->tag_count = SIZE_MAX;
}

static void unknown_kind(struct orbus_sample *s)
{
	s->kind = (enum orbus_kind)99;
}

static void unknown_status(struct orbus_sample *s)
{
	s->status = (enum orbus_status)99;
}

static void orphaned(struct orbus_sample *s)
{
	s->status = ORBUS_STATUS_ORPHANED;
}

static void nameless_gauge(struct orbus_sample *s)
{
	s->kind = ORBUS_KIND_GAUGE;
}

static int end_of_zeroes(void)
{
	struct orbus_request zeroes = {0};

	return orbus_request_end(&zeroes, ORBUS_STATUS_OK);
}

static int end_after(struct world *w, enum orbus_status first)
{
	struct orbus_request r;

	assert_int_equal(orbus_request_begin(w->p, &r, "m", false), 0);
	assert_int_equal(orbus_request_end(&r, first), 0);
	return orbus_request_end(&r, ORBUS_STATUS_OK);
}

static int end_without_producer(void)
{
	struct orbus_request r;

	assert_int_equal(orbus_request_begin(NULL, &r, "m", true), -EINVAL);
	orbus_request_first_token(&r);
	return orbus_request_end(&r, ORBUS_STATUS_OK);
}

static int end_with_unknown_status(struct world *w)
{
	struct orbus_request r;
	int err;

	assert_int_equal(orbus_request_begin(w->p, &r, "m", false), 0);
	err = orbus_request_end(&r, (enum orbus_status)99);
	/* A refused sample may be corrected. */
	assert_int_equal(orbus_request_end(&r, ORBUS_STATUS_OK), 0);
	return err;
}

/* The table in orbus.h, a line each. */
#define REFUSED(call)                                                        \
	do {                                                                 \
		int err = (call);                                            \
		if (err != -EINVAL)                                          \
			fail_msg("%s: %d (%s)", #call, err, strerror(-err)); \
	} while (0)

static void misuse_is_refused(void **state)
{
	struct world w = {.bus = *state};
	struct orbus_request unused;

	assert_int_equal(orbus_producer_open(w.bus, "bot", &w.p), 0);
	assert_int_equal(orbus_reader_open(w.bus, &w.r), 0);
	orbus_sample_init(&w.s);
	REFUSED(orbus_producer_open(w.bus, "bot", NULL));
	REFUSED(open_producer(w.bus, NULL));
	REFUSED(open_producer(w.bus, ""));
	REFUSED(open_producer("a/b", "bot"));
	REFUSED(orbus_publish(NULL, &w.s));
	REFUSED(orbus_publish(w.p, NULL));
	REFUSED(orbus_publish(NULL, NULL));
	REFUSED(publish(&w, count_without_tags));
	REFUSED(publish(&w, tag_without_text));
	REFUSED(publish(&w, too_many_tags));
	REFUSED(publish(&w, unknown_kind));
	REFUSED(publish(&w, unknown_status));
	REFUSED(publish(&w, orphaned));
	REFUSED(publish(&w, nameless_gauge));
	REFUSED(orbus_request_begin(w.p, NULL, "m", false));
	REFUSED(orbus_request_begin(NULL, &unused, "m", false));
	REFUSED(orbus_request_end(NULL, ORBUS_STATUS_OK));
	REFUSED(end_of_zeroes());
	REFUSED(end_without_producer());
	REFUSED(end_with_unknown_status(&w));
	REFUSED(end_after(&w, ORBUS_STATUS_OK));
	REFUSED(end_after(&w, ORBUS_STATUS_ERROR));
	REFUSED(orbus_reader_open(w.bus, NULL));
	REFUSED(open_reader("a/b"));
	REFUSED(orbus_reader_next(NULL, &w.s));
	REFUSED(orbus_reader_next(w.r, NULL));
	REFUSED(orbus_reader_wait(NULL, 0));
	REFUSED(orbus_inspect(w.bus, NULL));
	orbus_reader_close(w.r);
	orbus_producer_close(w.p);
}

static void nothing_is_done_with_nothing(void **state)
{
	(void)state;
	orbus_sample_init(NULL);
	orbus_request_first_token(NULL);
	orbus_producer_close(NULL);
	orbus_reader_close(NULL);
	orbus_reader_skip(NULL);
	assert_int_equal(orbus_reader_lost(NULL), 0);
	assert_int_equal(orbus_reader_rejected(NULL), 0);
	assert_true(isnan(orbus_sample_tps(NULL)));
	assert_true(isnan(orbus_sample_decode_tps(NULL)));
}

/* Other errors of an open leave NULL too. */
static void a_failed_open_says_so(void **state)
{
	(void)state;
	assert_int_equal(open_reader("orbus-test-no-such-bus"), -ENOENT);
	assert_int_equal(open_producer(*state, "\xff"), -EILSEQ);
	assert_int_equal(open_producer("/nowhere/at/all/ring", "bot"), -ENOENT);
}

static struct orbus_request begun(struct orbus_producer *p)
{
	struct orbus_request r;

	assert_int_equal(orbus_request_begin(p, &r, "m", true), 0);
	return r;
}

/* Returned by value, moved to the heap, moved again; what it was before is overwritten. */
static void a_request_may_be_copied_and_moved(void **state)
{
	struct orbus_request *moved, first;
	struct orbus_producer *p;
	struct orbus_sample s;
	struct orbus_reader *r;
	char id[24];

	assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
	assert_int_equal(orbus_reader_open(*state, &r), 0);
	first = begun(p);
	moved = malloc(sizeof(*moved));
	*moved = first;
	memset(&first, 0xff, sizeof(first));
	orbus_request_first_token(moved);
	moved = realloc(moved, 64 * sizeof(*moved));
	moved[63] = moved[0];
	memset(moved, 0xff, 63 * sizeof(*moved));
	assert_int_equal(orbus_request_end(&moved[63], ORBUS_STATUS_OK), 0);
	free(moved);

	assert_int_equal(orbus_reader_next(r, &s), 1);
	assert_int_equal(s.kind, ORBUS_KIND_BEGIN);
	assert_non_null(s.request_id);
	strcpy(id, s.request_id);
	assert_int_equal(orbus_reader_next(r, &s), 1);
	assert_int_equal(s.kind, ORBUS_KIND_REQUEST);
	assert_string_equal(s.request_id, id);
	assert_null(s.begin_id);
	assert_false(isnan(s.ttft_ms));
	assert_int_equal(orbus_reader_next(r, &s), 0);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

static void a_request_counts_once_however_often_it_is_ended(void **state)
{
	struct orbus_producer *p;
	struct orbus_request request;
	struct orbus_sample s;
	struct orbus_reader *r;
	int ends = 0;

	assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
	assert_int_equal(orbus_reader_open(*state, &r), 0);
	assert_int_equal(orbus_request_begin(p, &request, "m", false), 0);
	assert_int_equal(orbus_request_end(&request, ORBUS_STATUS_ERROR), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(orbus_request_end(&request, ORBUS_STATUS_OK), -EINVAL);
	while (orbus_reader_next(r, &s) == 1)
		ends += s.kind == ORBUS_KIND_REQUEST;
	assert_int_equal(ends, 1);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

/* --- A program that gives up rights ------------------------------------------------------------
 */

enum change { NO_RIGHTS, OTHER_ROOT };

static void give_up(enum change change, const char *folder)
{
	if (change == NO_RIGHTS) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(10);
	} else if (chroot(folder) < 0 || chdir("/") < 0) {
		_exit(11);
	}
}

/* In a child: publishes, gives up rights, and publishes once the bus is due to be looked at. */
static int publish_after(enum change change, const char *bus, const char *folder)
{
	struct orbus_producer *p;
	struct orbus_sample s;
	int status, err;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		orbus_sample_init(&s);
		if (orbus_producer_open(bus, "bot", &p) != 0 || orbus_publish(p, &s) != 0)
			_exit(12);
		give_up(change, folder);
		usleep(1100000);
		err = orbus_publish(p, &s);
		_exit(err ? 100 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WEXITSTATUS(status);
}

/* Neither can the name be seen then, nor could the bus be opened anew: the lane is its own. */
static void a_producer_goes_on_after_setuid_and_chroot(void **state)
{
	char folder[128], bus[160];
	struct orbus_reader *r;
	struct orbus_sample s;
	int got = 0;

	if (geteuid() != 0)
		skip();
	snprintf(folder, sizeof(folder), "/dev/shm/%s.d", (const char *)*state);
	snprintf(bus, sizeof(bus), "%s/ring", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(orbus_create(bus, NULL), 0);
	assert_int_equal(orbus_reader_open(bus, &r), 0);
	assert_int_equal(publish_after(NO_RIGHTS, bus, folder), 0);
	assert_int_equal(publish_after(OTHER_ROOT, bus, folder), 0);
	while (orbus_reader_next(r, &s) == 1)
		got++;
	assert_int_equal(got, 4);
	orbus_reader_close(r);
	for (int i = 0; i < 2; i++) {
		snprintf(bus, sizeof(bus), "%s/ring%s", folder, i ? ".lanes" : "");
		unlink(bus);
	}
	rmdir(folder);
}

/* From here on each futex call of this process is refused as a sandbox would. */
static bool deny_futexes(void)
{
	struct sock_filter filter[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static double cpu_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* It waits for 2 seconds, and uses a small part of one. */
static void a_reader_sleeps_where_futexes_are_denied(void **state)
{
	struct orbus_reader *r;
	struct orbus_sample s;
	int status;
	pid_t child;

	assert_int_equal(orbus_create(*state, NULL), 0);
	assert_int_equal(orbus_reader_open(*state, &r), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		double before = cpu_seconds();

		if (!deny_futexes())
			_exit(77);
		if (orbus_reader_next(r, &s) != 0 || orbus_reader_wait(r, 2000) != 0)
			_exit(1);
		_exit(cpu_seconds() - before < 0.5 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	orbus_reader_close(r);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* A call that the kernel or a sandbox lacks is not reported as a wrong argument. */
static void errors_name_what_failed(void **state)
{
	(void)state;
	assert_non_null(strstr(orbus_strerror(-ENOSYS), "madvise"));
	assert_non_null(strstr(orbus_strerror(-EPERM), "sandbox"));
	assert_null(strstr(orbus_strerror(-EACCES), "sandbox"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    bus_test(misuse_is_refused),
	    bus_test(nothing_is_done_with_nothing),
	    bus_test(a_failed_open_says_so),
	    bus_test(a_request_may_be_copied_and_moved),
	    bus_test(a_request_counts_once_however_often_it_is_ended),
	    bus_test(a_producer_goes_on_after_setuid_and_chroot),
	    bus_test(a_reader_sleeps_where_futexes_are_denied),
	    bus_test(errors_name_what_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
