/*
 * test_api_concurrent.c: handles under threads, signal handlers, forks and closed descriptors. A
 * sample whose publish returned 0 is counted; nothing crashes.
 */
#include "orbus.h"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Enough for all that a test publishes, so that none is lost before it is counted. */
static void make_bus(const char *bus)
{
	struct orbus_create_options options = {.slots = 1u << 17, .lanes = 16, .slot_bytes = 128};

	assert_int_equal(orbus_create(bus, &options), 0);
}

static struct orbus_sample gauge(const char *name)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_GAUGE;
	s.name = name;
	s.value = 1;
	return s;
}

/* What the bus holds from its beginning on; nothing of it may be lost or rejected. */
static uint64_t count_all(const char *bus, enum orbus_kind kind)
{
	struct orbus_reader *r;
	struct orbus_sample s;
	uint64_t n = 0;

	assert_int_equal(orbus_reader_open(bus, &r), 0);
	while (orbus_reader_next(r, &s) == 1)
		n += s.kind == kind;
	assert_int_equal(orbus_reader_lost(r), 0);
	assert_int_equal(orbus_reader_rejected(r), 0);
	orbus_reader_close(r);
	return n;
}

/* ThreadSanitizer takes what a thread of the parent did for a race with the child, which has none.
 */
static void not_under_tsan(void)
{
#ifdef __SANITIZE_THREAD__
	skip();
#endif
}

/* In a child, whose descriptors may go; its exit status is the line of what failed. */
#define MUST(condition)                            \
	do {                                       \
		if (!(condition))                  \
			_exit(__LINE__ % 250 + 1); \
	} while (0)

static void in_child(void (*what)(const char *bus), const char *bus)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		what(bus);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* --- Threads -----------------------------------------------------------------------------------
 */

#define PUBLISHES 60000

struct publisher {
	struct orbus_producer *p;
	pthread_barrier_t *start;
	uint64_t told, refused, other;
};

static void count_result(struct publisher *me, int err)
{
	me->told += err == 0;
	me->refused += err == -EALREADY;
	me->other += err != 0 && err != -EALREADY;
}

static void *publish_many(void *context)
{
	struct publisher *me = context;
	struct orbus_sample s = gauge("g");

	if (me->start)
		pthread_barrier_wait(me->start);
	for (int i = 0; i < PUBLISHES; i++)
		count_result(me, orbus_publish(me->p, &s));
	return NULL;
}

static void two_threads_with_one_handle_lose_nothing_that_was_told(void **state)
{
	struct publisher both[2] = {{0}};
	pthread_barrier_t start;
	pthread_t threads[2];
	uint64_t told, refused;

	make_bus(*state);
	assert_int_equal(orbus_producer_open(*state, "bot", &both[0].p), 0);
	both[1].p = both[0].p;
	pthread_barrier_init(&start, NULL, 2);
	both[0].start = both[1].start = &start;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, publish_many, &both[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
	told = both[0].told + both[1].told;
	refused = both[0].refused + both[1].refused;
	assert_int_equal(both[0].other + both[1].other, 0);
	assert_int_equal(told + refused, 2 * PUBLISHES);
	assert_int_equal(orbus_producer_refused(both[0].p), refused);
	assert_int_equal(count_all(*state, ORBUS_KIND_GAUGE), told);
	print_message("%ju told, %ju refused\n", (uintmax_t)told, (uintmax_t)refused);
	orbus_producer_close(both[0].p);
}

static void *publish_one(void *context)
{
	struct orbus_sample s = gauge("g");

	return (void *)(intptr_t)orbus_publish(context, &s);
}

/* Where a sandbox denies membarrier(), the kernel is made to interrupt the others otherwise. */
static void share_without_membarrier(const char *bus)
{
	struct sock_filter filter[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};
	struct publisher both[2] = {{0}};
	pthread_t thread;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		return;
	MUST(syscall(SYS_membarrier, 0, 0, 0) == -1);
	MUST(orbus_producer_open(bus, "bot", &both[0].p) == 0);
	both[1].p = both[0].p;
	MUST(pthread_create(&thread, NULL, publish_many, &both[0]) == 0);
	publish_many(&both[1]);
	pthread_join(thread, NULL);
	/* In turns, it is refused to none. */
	MUST((intptr_t)publish_one(both[0].p) == 0);
	MUST(both[0].told + both[1].told + both[0].refused + both[1].refused == 2 * PUBLISHES);
	MUST(count_all(bus, ORBUS_KIND_GAUGE) == both[0].told + both[1].told + 1);
	orbus_producer_close(both[0].p);
}

static void threads_share_a_handle_without_membarrier(void **state)
{
	not_under_tsan(); /* which starts no thread in a child */
	make_bus(*state);
	in_child(share_without_membarrier, *state);
}

static void *read_some(void *context)
{
	struct orbus_sample s;
	intptr_t got = 0;

	for (int i = 0; i < PUBLISHES; i++) {
		int n = orbus_reader_next(context, &s);

		if (n != 0 && n != 1 && n != -EALREADY)
			return (void *)(intptr_t)-1;
		got += n == 1;
	}
	return (void *)got;
}

static void two_threads_with_one_reader_get_each_sample_once(void **state)
{
	struct publisher one = {0};
	struct orbus_reader *r;
	struct orbus_sample s;
	pthread_t threads[2];
	intptr_t got = 0;
	void *result;

	make_bus(*state);
	assert_int_equal(orbus_producer_open(*state, "bot", &one.p), 0);
	assert_int_equal(orbus_reader_open(*state, &r), 0);
	publish_many(&one);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, read_some, r);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		assert_true((intptr_t)result >= 0);
		got += (intptr_t)result;
	}
	while (orbus_reader_next(r, &s) == 1)
		got++;
	assert_int_equal(got, PUBLISHES);
	assert_int_equal(orbus_reader_lost(r), 0);
	orbus_reader_close(r);
	orbus_producer_close(one.p);
}

/* In turns, as a lock of the program has it: none is refused. */
static void a_handle_goes_from_thread_to_thread(void **state)
{
	struct orbus_producer *p;
	pthread_t thread;
	void *err;

	make_bus(*state);
	assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal((intptr_t)publish_one(p), 0);
		pthread_create(&thread, NULL, publish_one, p);
		pthread_join(thread, &err);
		assert_int_equal((intptr_t)err, 0);
	}
	assert_int_equal(count_all(*state, ORBUS_KIND_GAUGE), 400);
	assert_int_equal(orbus_producer_refused(p), 0);
	orbus_producer_close(p);
}

static void *close_producer(void *context)
{
	orbus_producer_close(context);
	return NULL;
}

/*
 * At any moment of a publish; the lane is free again afterwards, whichever thread freed the handle.
 */
static void a_handle_may_be_closed_while_another_thread_publishes(void **state)
{
	struct orbus_create_options one_lane = {.lanes = 1, .slots = 64};

	assert_int_equal(orbus_create(*state, &one_lane), 0);
	for (int i = 0; i < 300; i++) {
		struct publisher me = {0};
		struct orbus_sample s = gauge("g");
		pthread_t thread;
		int err;

		assert_int_equal(orbus_producer_open(*state, "bot", &me.p), 0);
		pthread_create(&thread, NULL, close_producer, me.p);
		do
			err = orbus_publish(me.p, &s);
		while (err == 0 || err == -EALREADY);
		assert_int_equal(err, -EINVAL);
		pthread_join(thread, NULL);
	}
}

static void *close_reader(void *context)
{
	const struct timespec a_moment = {0, 50000000};

	nanosleep(&a_moment, NULL);
	orbus_reader_close(context);
	return NULL;
}

static void a_reader_that_waits_may_be_closed(void **state)
{
	struct orbus_reader *r;
	pthread_t thread;

	make_bus(*state);
	assert_int_equal(orbus_reader_open(*state, &r), 0);
	pthread_create(&thread, NULL, close_reader, r);
	assert_int_equal(orbus_reader_wait(r, -1), -EINVAL);
	pthread_join(thread, NULL);
}

static void *open_and_close(void *context)
{
	struct orbus_producer *p;
	struct orbus_bus_info info;

	for (;;) {
		if (orbus_producer_open(context, "bot", &p) == 0)
			orbus_producer_close(p);
		(void)orbus_inspect(context, &info);
		pthread_testcancel();
	}
	return NULL;
}

/* Wherever it is cancelled, nothing of it stays: no lane, no handle, no descriptor. */
static void a_thread_is_not_cancelled_amid_a_call(void **state)
{
	struct orbus_create_options two_lanes = {.lanes = 2, .slots = 64};
	struct orbus_producer *p, *q;
	const char *bus = *state;
	int first = dup(0);

	assert_int_equal(orbus_create(bus, &two_lanes), 0);
	close(first);
	for (long i = 0; i < 100; i++) {
		const struct timespec a_moment = {0, 20000 + i * 1000};
		pthread_t thread;
		void *result;

		pthread_create(&thread, NULL, open_and_close, *state);
		nanosleep(&a_moment, NULL);
		pthread_cancel(thread);
		pthread_join(thread, &result);
		assert_ptr_equal(result, PTHREAD_CANCELED);
	}
	assert_int_equal(dup(0), first);
	close(first);
	assert_int_equal(orbus_producer_open(bus, "bot", &p), 0);
	assert_int_equal(orbus_producer_open(bus, "bot", &q), 0);
	orbus_producer_close(p);
	orbus_producer_close(q);
}

/* --- Signal handlers ---------------------------------------------------------------------------
 */

static struct {
	struct orbus_producer *same, *other;
	struct publisher in_handler;
	uint64_t begun, ended, errno_changed;
	volatile uint64_t calls;
} in_signal;

static void on_signal(int number)
{
	struct orbus_sample s = gauge("handler");
	struct orbus_request request;
	int of_the_program = errno, before = 4711;

	(void)number;
	errno = before;
	count_result(&in_signal.in_handler, orbus_publish(in_signal.same, &s));
	count_result(&in_signal.in_handler, orbus_publish(in_signal.other, &s));
	in_signal.begun += orbus_request_begin(in_signal.same, &request, "m", true) == 0;
	orbus_request_first_token(&request);
	in_signal.ended += orbus_request_end(&request, ORBUS_STATUS_OK) == 0;
	(void)orbus_sample_tps(&request.sample);
	(void)orbus_sample_decode_tps(&request.sample);
	(void)orbus_strerror(-EALREADY);
	(void)orbus_producer_refused(in_signal.same);
	in_signal.errno_changed += errno != before;
	in_signal.calls++;
	errno = of_the_program;
}

static void run_timer(long microseconds)
{
	struct itimerval timer = {{0, microseconds}, {0, microseconds}};
	struct sigaction action = {
	    .sa_handler = microseconds ? on_signal : SIG_DFL, .sa_flags = SA_RESTART};

	if (microseconds)
		sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	if (!microseconds)
		sigaction(SIGALRM, &action, NULL);
}

/*
 * A real timer, under load: the handler interrupts publishes on the same handle, on others,
 * malloc() and printf(). Each bus is removed now and then, so that publishes in the handler claim
 * lanes too.
 */
static void a_signal_handler_may_publish_whatever_it_interrupts(void **state)
{
	struct publisher me = {0};
	struct orbus_sample s = gauge("main");
	uint64_t begun = 0, ended = 0;
	char text[64];

	make_bus(*state);
	memset(&in_signal, 0, sizeof(in_signal));
	assert_int_equal(orbus_producer_open(*state, "bot", &in_signal.same), 0);
	assert_int_equal(orbus_producer_open(*state, "bot", &in_signal.other), 0);
	me.p = in_signal.same;
	run_timer(97);
	for (int i = 0; i < 40000 || in_signal.calls < 300; i++) {
		struct orbus_request request;

		if (i > 60000)
			break;
		count_result(&me, orbus_publish(me.p, &s));
		if (i % 16 == 0) {
			begun += orbus_request_begin(me.p, &request, "m", false) == 0;
			free(malloc((size_t)(i % 5000) + 1));
			snprintf(text, sizeof(text), "%d", i);
			ended += orbus_request_end(&request, ORBUS_STATUS_OK) == 0;
		}
	}
	run_timer(0);
	print_message("%ju signals, %ju of their publishes refused\n", (uintmax_t)in_signal.calls,
	    (uintmax_t)in_signal.in_handler.refused);
	assert_true(in_signal.calls > 0);
	assert_int_equal(me.other + in_signal.in_handler.other, 0);
	assert_int_equal(in_signal.errno_changed, 0);
	/* The main program never meets its handler in a call, the handler meets the program. */
	assert_int_equal(me.refused, 0);
	assert_int_equal(count_all(*state, ORBUS_KIND_GAUGE), me.told + in_signal.in_handler.told);
	assert_int_equal(count_all(*state, ORBUS_KIND_BEGIN), begun + in_signal.begun);
	assert_int_equal(count_all(*state, ORBUS_KIND_REQUEST), ended + in_signal.ended);
	orbus_producer_close(in_signal.same);
	orbus_producer_close(in_signal.other);
}

/* Publishing claims lanes and makes a bus in the handler, while the program allocates. */
static void a_signal_handler_may_move_to_a_new_bus(void **state)
{
	time_t end = time(NULL) + 4;
	uint64_t before;

	make_bus(*state);
	memset(&in_signal, 0, sizeof(in_signal));
	assert_int_equal(orbus_producer_open(*state, "bot", &in_signal.same), 0);
	assert_int_equal(orbus_producer_open(*state, "bot", &in_signal.other), 0);
	run_timer(499);
	bus_remove(*state);
	while (time(NULL) < end)
		for (size_t n = 1; n < 20000; n += 97)
			free(malloc(n));
	run_timer(0);
	before = in_signal.in_handler.told;
	assert_true(before > 0);
	assert_int_equal(in_signal.in_handler.other, 0);
	assert_int_equal(in_signal.errno_changed, 0);
	assert_true(count_all(*state, ORBUS_KIND_GAUGE) > 0);
	orbus_producer_close(in_signal.same);
	orbus_producer_close(in_signal.other);
}

static void on_signal_close(int number)
{
	(void)number;
	/* Of a handle whose call it interrupted: freed when that is over. */
	orbus_reader_close((struct orbus_reader *)in_signal.other);
}

static void a_signal_handler_may_close_the_reader_that_waits(void **state)
{
	struct sigaction action = {.sa_handler = on_signal_close}, former;
	struct itimerval timer = {{0, 0}, {0, 50000}};
	struct orbus_reader *r;
	int err;

	make_bus(*state);
	assert_int_equal(orbus_reader_open(*state, &r), 0);
	in_signal.other = (struct orbus_producer *)r;
	sigaction(SIGALRM, &action, &former);
	setitimer(ITIMER_REAL, &timer, NULL);
	err = orbus_reader_wait(r, 3000);
	assert_true(err == -EINTR || err == -EINVAL);
	assert_int_equal(orbus_reader_wait(r, 0), -EINVAL);
	sigaction(SIGALRM, &former, NULL);
}

/* --- fork() ------------------------------------------------------------------------------------
 */

static atomic_bool stop_publishing;

static void *publish_until_stopped(void *context)
{
	struct publisher *me = context;
	struct orbus_sample s = gauge("thread");

	while (!stop_publishing && me->told < 100000)
		count_result(me, orbus_publish(me->p, &s));
	return NULL;
}

/* What a child does with a handle that another thread of its parent was using; its exit status. */
static int use_in_child(struct orbus_producer *p, struct orbus_reader *r)
{
	struct orbus_sample s = gauge("child");
	struct orbus_request request;
	int n;

	for (int i = 0; i < 3; i++)
		if (orbus_publish(p, &s) != 0)
			return 1;
	if (orbus_request_begin(p, &request, "m", false) != 0 ||
	    orbus_request_end(&request, ORBUS_STATUS_OK) != 0)
		return 2;
	n = orbus_reader_next(r, &s);
	if (n != 0 && n != 1)
		return 3;
	orbus_producer_close(p);
	orbus_reader_close(r);
	return orbus_publish(p, &s) == -EINVAL ? 0 : 4;
}

static void a_child_of_a_fork_amid_publishes_has_a_handle_that_works(void **state)
{
	struct publisher me = {0};
	struct orbus_reader *r;
	pthread_t thread;
	uint64_t in_children = 0;
	int status;

	not_under_tsan();
	make_bus(*state);
	assert_int_equal(orbus_producer_open(*state, "bot", &me.p), 0);
	assert_int_equal(orbus_reader_open(*state, &r), 0);
	stop_publishing = false;
	pthread_create(&thread, NULL, publish_until_stopped, &me);
	for (int i = 0; i < 50; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			_exit(use_in_child(me.p, r));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		in_children += 3;
	}
	stop_publishing = true;
	pthread_join(thread, NULL);
	assert_int_equal(me.refused + me.other, 0);
	assert_int_equal(count_all(*state, ORBUS_KIND_GAUGE), me.told + in_children);
	orbus_producer_close(me.p);
	orbus_reader_close(r);
}

static void *next_until_stopped(void *context)
{
	struct orbus_sample s;

	while (!stop_publishing)
		(void)orbus_reader_next(context, &s);
	return NULL;
}

/* It reads on, or is refused where the other thread was in a call; it never crashes. */
static void a_child_of_a_fork_amid_reads_reads_on_or_is_refused(void **state)
{
	struct publisher me = {0};
	struct orbus_reader *r;
	pthread_t thread;
	int status, read_on = 0;

	not_under_tsan();
	make_bus(*state);
	assert_int_equal(orbus_producer_open(*state, "bot", &me.p), 0);
	assert_int_equal(orbus_reader_open(*state, &r), 0);
	publish_many(&me);
	stop_publishing = false;
	pthread_create(&thread, NULL, next_until_stopped, r);
	for (int i = 0; i < 50; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			struct orbus_sample s;
			int n = orbus_reader_next(r, &s);

			while (n == 1)
				n = orbus_reader_next(r, &s);
			orbus_reader_close(r);
			_exit(n == 0 ? 0 : n == -EALREADY ? 1 : 2);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		read_on += WEXITSTATUS(status) == 0;
	}
	stop_publishing = true;
	pthread_join(thread, NULL);
	print_message("%d of 50 children read on\n", read_on);
	orbus_producer_close(me.p);
	orbus_reader_close(r);
}

/* In two children and their parent, of one producer. */
static void children_begin_requests_with_ids_of_their_own(void **state)
{
	char ids[3][24] = {"", "", ""};
	struct orbus_request request;
	struct orbus_producer *p;
	struct orbus_reader *r;
	struct orbus_sample s;
	int n = 0, status;

	make_bus(*state);
	assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
	assert_int_equal(orbus_request_begin(p, &request, "m", false), 0);
	assert_int_equal(orbus_request_end(&request, ORBUS_STATUS_OK), 0);
	assert_int_equal(orbus_reader_open(*state, &r), 0);
	orbus_reader_skip(r);
	for (int i = 0; i < 2; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(orbus_request_begin(p, &request, "m", false) != 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	assert_int_equal(orbus_request_begin(p, &request, "m", false), 0);
	while (orbus_reader_next(r, &s) == 1 && n < 3)
		snprintf(ids[n++], sizeof(ids[0]), "%s", s.request_id);
	assert_int_equal(n, 3);
	assert_string_not_equal(ids[0], ids[1]);
	assert_string_not_equal(ids[0], ids[2]);
	assert_string_not_equal(ids[1], ids[2]);
	orbus_reader_close(r);
	orbus_producer_close(p);
}

/* The parent sleeps meanwhile: it is the parent's publish. */
static void a_child_of_vfork_publishes_into_its_parents_lane(void **state)
{
	struct orbus_sample s = gauge("g");
	struct orbus_producer *p;
	int status;
	pid_t child;

	make_bus(*state);
	assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
	assert_int_equal(orbus_publish(p, &s), 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	child = vfork();
#pragma GCC diagnostic pop
	if (child == 0)
		_exit(orbus_publish(p, &s) != 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(orbus_publish(p, &s), 0);
	assert_int_equal(count_all(*state, ORBUS_KIND_GAUGE), 3);
	orbus_producer_close(p);
}

/* A program that is run in place of the child has nothing of the parent's lane. */
static void exec_gives_a_childs_lane_back(void **state)
{
	struct orbus_create_options two_lanes = {.lanes = 2};
	struct orbus_sample s = gauge("g");
	struct orbus_producer *p, *q = NULL;
	int status, ends[2];
	char byte;
	pid_t child;

	assert_int_equal(orbus_create(*state, &two_lanes), 0);
	assert_int_equal(orbus_producer_open(*state, "bot", &p), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		if (orbus_publish(p, &s) == 0)
			execlp("sleep", "sleep", "30", (char *)NULL);
		_exit(1);
	}
	/* Its end of the pipe is closed by the exec. */
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
	for (int i = 0; i < 1000 && orbus_producer_open(*state, "bot", &q) != 0; i++)
		usleep(5000);
	assert_non_null(q);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	orbus_producer_close(q);
	orbus_producer_close(p);
}

/* --- Descriptors -------------------------------------------------------------------------------
 */

static void close_all_and_go_on(const char *bus)
{
	struct orbus_sample s = gauge("g");
	struct orbus_producer *p, *q;
	struct orbus_reader *r;

	MUST(orbus_producer_open(bus, "bot", &p) == 0 && orbus_reader_open(bus, &r) == 0);
	for (int fd = 0; fd < 256; fd++)
		close(fd);
	MUST(orbus_publish(p, &s) == 0);
	/* Others take the numbers. */
	for (int fd = 0; fd < 64; fd++)
		MUST(open("/dev/null", O_RDWR | O_CLOEXEC) == fd);
	MUST(orbus_publish(p, &s) == 0);
	/* The lane is ours still: the next one gets another. */
	MUST(orbus_producer_open(bus, "bot", &q) == 0);
	MUST(orbus_publish(q, &s) == 0);
	for (int i = 0; i < 3; i++)
		MUST(orbus_reader_next(r, &s) == 1);
	MUST(orbus_reader_wait(r, 0) == 0);
	MUST(usleep(1100000) == 0); /* the name is looked up again */
	MUST(orbus_publish(p, &s) == 0);
	MUST(orbus_reader_next(r, &s) == 1 && orbus_reader_next(r, &s) == 0);
	orbus_producer_close(p);
	orbus_producer_close(q);
	orbus_reader_close(r);
	for (int fd = 0; fd < 64; fd++)
		MUST(fcntl(fd, F_GETFD) == FD_CLOEXEC);
}

static void handles_need_no_descriptors(void **state)
{
	make_bus(*state);
	in_child(close_all_and_go_on, *state);
}

/* Output to the numbers of the standard files must never get into a bus. */
static void open_without_standard_files(const char *bus)
{
	struct orbus_producer *p;
	struct orbus_bus_info info;
	struct orbus_reader *r;
	struct stat st;

	for (int fd = 0; fd < 3; fd++)
		close(fd);
	MUST(orbus_create(bus, NULL) >= 0);
	MUST(orbus_producer_open(bus, "bot", &p) == 0 && orbus_reader_open(bus, &r) == 0);
	MUST(orbus_inspect(bus, &info) == 0);
	for (int fd = 0; fd < 3; fd++)
		MUST(fstat(fd, &st) == -1);
	orbus_producer_close(p);
	orbus_reader_close(r);
}

static void an_open_takes_no_standard_file(void **state)
{
	in_child(open_without_standard_files, *state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    bus_test(two_threads_with_one_handle_lose_nothing_that_was_told),
	    bus_test(threads_share_a_handle_without_membarrier),
	    bus_test(two_threads_with_one_reader_get_each_sample_once),
	    bus_test(a_handle_goes_from_thread_to_thread),
	    bus_test(a_handle_may_be_closed_while_another_thread_publishes),
	    bus_test(a_reader_that_waits_may_be_closed),
	    bus_test(a_thread_is_not_cancelled_amid_a_call),
	    bus_test(a_signal_handler_may_publish_whatever_it_interrupts),
	    bus_test(a_signal_handler_may_move_to_a_new_bus),
	    bus_test(a_signal_handler_may_close_the_reader_that_waits),
	    bus_test(a_child_of_a_fork_amid_publishes_has_a_handle_that_works),
	    bus_test(a_child_of_a_fork_amid_reads_reads_on_or_is_refused),
	    bus_test(children_begin_requests_with_ids_of_their_own),
	    bus_test(a_child_of_vfork_publishes_into_its_parents_lane),
	    bus_test(exec_gives_a_childs_lane_back),
	    bus_test(handles_need_no_descriptors),
	    bus_test(an_open_takes_no_standard_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
