/*
 * test_api_failing.c: each system call that a function of orbus.h makes fails, once, with each
 * errno; each allocation fails. The function says so or does without; nothing leaks, nothing is
 * printed, the process's state is as it was, and the next call works.
 *
 * The system calls are made to fail by ptrace(), one in each run of a child.
 */
#include "orbus.h"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* --- Time and memory, which the tests hold in their hands --------------------------------------
 */

static time_t seconds_ahead;
static long allocations_left = -1; /* before one fails; -1: none does */
static long allocated;             /* and not freed */

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void __real_free(void *p);
void __wrap_free(void *p);

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	int err = __real_clock_gettime(clock, t);

	t->tv_sec += seconds_ahead;
	return err;
}

static bool is_to_fail(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

static void *note(void *p)
{
	allocated += p != NULL;
	return p;
}

void *__wrap_malloc(size_t bytes)
{
	return is_to_fail() ? NULL : note(__real_malloc(bytes));
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return is_to_fail() ? NULL : note(__real_calloc(n, bytes));
}

void __wrap_free(void *p)
{
	allocated -= p != NULL;
	__real_free(p);
}

/* --- What is called ----------------------------------------------------------------------------
 */

struct world {
	char bus[64];
	struct orbus_producer *p;
	struct orbus_reader *r;
	unsigned published, seen;
};

static struct orbus_sample gauge(void)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_GAUGE;
	s.name = "g";
	s.value = 1;
	return s;
}

static int publish(struct world *w)
{
	struct orbus_sample s = gauge();
	int err = orbus_publish(w->p, &s);

	w->published += err == 0;
	return err;
}

static const struct orbus_create_options small = {.slots = 64, .lanes = 8, .slot_bytes = 256};

static void with_bus(struct world *w)
{
	if (orbus_create(w->bus, &small) < 0)
		_exit(90);
}

static void with_producer(struct world *w)
{
	with_bus(w);
	if (orbus_producer_open(w->bus, "bot", &w->p) != 0 || publish(w) != 0)
		_exit(91);
}

static void with_reader(struct world *w)
{
	with_producer(w);
	if (orbus_reader_open(w->bus, &w->r) != 0)
		_exit(92);
}

/* From here on the name and the bus are looked at again. */
static void with_a_check_due(struct world *w)
{
	with_reader(w);
	seconds_ahead += 2;
}

static void with_another_bus(struct world *w)
{
	with_a_check_due(w);
	bus_remove(w->bus);
}

static void with_a_reader_of_the_former_bus(struct world *w)
{
	with_another_bus(w);
	with_bus(w);
}

/* Removed between the making of the lock object and now. */
static void with_a_ring_without_locks(struct world *w)
{
	char path[128];

	with_bus(w);
	snprintf(path, sizeof(path), "/dev/shm/%s.lanes", w->bus);
	unlink(path);
}

static void with_nothing(struct world *w)
{
	(void)w;
}

static void in_a_forked_child(struct world *w)
{
	pid_t child;
	int status;

	with_producer(w);
	child = fork();
	if (child == 0)
		return;
	if (waitpid(child, &status, 0) != child)
		_exit(93);
	_exit(WEXITSTATUS(status));
}

static int create(struct world *w)
{
	return orbus_create(w->bus, &small);
}

static int adjust(struct world *w)
{
	struct orbus_create_options o = {.mode = 0660, .set_group = true, .group = 65534};

	return orbus_create(w->bus, &o);
}

static int inspect(struct world *w)
{
	struct orbus_bus_info info;

	return orbus_inspect(w->bus, &info);
}

static int open_producer(struct world *w)
{
	struct orbus_producer *p = (struct orbus_producer *)w;
	int err = orbus_producer_open(w->bus, "bot", &p);

	if (err != 0 && p)
		_exit(20);
	orbus_producer_close(p);
	return err;
}

static int open_reader(struct world *w)
{
	struct orbus_reader *r = (struct orbus_reader *)w;
	int err = orbus_reader_open(w->bus, &r);

	if (err != 0 && r)
		_exit(21);
	orbus_reader_close(r);
	return err;
}

/* So many that the bell is rung. */
static int publish_some(struct world *w)
{
	int err = 0;

	for (int i = 0; i < 20 && err == 0; i++)
		err = publish(w);
	return err;
}

static int request(struct world *w)
{
	struct orbus_request r;
	int begun = orbus_request_begin(w->p, &r, "m", false);

	orbus_request_first_token(&r);
	return begun ? begun : orbus_request_end(&r, ORBUS_STATUS_OK);
}

static int read_next(struct world *w)
{
	struct orbus_sample s;
	int n;

	while ((n = orbus_reader_next(w->r, &s)) == 1)
		w->seen += s.kind == ORBUS_KIND_GAUGE;
	return n;
}

static int wait_for_some(struct world *w)
{
	int n = read_next(w);

	return n < 0 ? n : orbus_reader_wait(w->r, 5);
}

static int open_and_close_both(struct world *w)
{
	int err = open_producer(w);

	return err ? err : open_reader(w);
}

static const struct operation {
	const char *name;
	void (*prepare)(struct world *w);
	int (*call)(struct world *w);
} operations[] = {
    {"orbus_create", with_nothing, create},
    {"orbus_create of a bus that exists", with_bus, adjust},
    {"orbus_create of a ring whose locks were removed", with_a_ring_without_locks, create},
    {"orbus_inspect", with_bus, inspect},
    {"orbus_producer_open and close", with_nothing, open_producer},
    {"orbus_producer_open and close on a bus that exists", with_bus, open_producer},
    {"orbus_reader_open and close", with_bus, open_reader},
    {"both", with_bus, open_and_close_both},
    {"orbus_publish", with_producer, publish_some},
    {"orbus_publish when the bus is due to be looked at", with_a_check_due, publish_some},
    {"orbus_publish when the bus was removed", with_another_bus, publish_some},
    {"orbus_publish in a forked child", in_a_forked_child, publish_some},
    {"orbus_request_begin and end", with_a_check_due, request},
    {"orbus_reader_next", with_a_check_due, read_next},
    {"orbus_reader_next when the bus was made anew", with_a_reader_of_the_former_bus, read_next},
    {"orbus_reader_wait", with_a_check_due, wait_for_some},
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* --- What must be as it was --------------------------------------------------------------------
 */

struct footprint {
	unsigned descriptors, mappings;
	long allocated;
	sigset_t mask;
	mode_t umask;
	char folder[256];
	char *const *environment;
	void (*pipe_handler)(int), (*bus_handler)(int);
};

extern char **environ;

static unsigned count_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Of a bus, or of mappings of the library; not of the heap, which may grow. */
static unsigned count_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += !strstr(line, "[heap]");
	if (f)
		fclose(f);
	return n;
}

static void (*handler_of(int number))(int)
{
	struct sigaction action;

	sigaction(number, NULL, &action);
	return action.sa_handler;
}

static struct footprint take_footprint(void)
{
	struct footprint f = {.environment = environ,
	    .pipe_handler = handler_of(SIGPIPE),
	    .bus_handler = handler_of(SIGBUS)};

	f.mappings = count_mappings();
	f.descriptors = count_descriptors();
	sigprocmask(SIG_SETMASK, NULL, &f.mask);
	f.umask = umask(0);
	umask(f.umask);
	if (!getcwd(f.folder, sizeof(f.folder)))
		_exit(94);
	f.allocated = allocated;
	return f;
}

/* 0, or the number of what differs. A call that was to free something and failed may leave it. */
static int compare_footprints(const struct footprint *a, const struct footprint *b, bool is_freeing)
{
	if (!is_freeing && a->descriptors != b->descriptors)
		return 1;
	if (!is_freeing && a->mappings != b->mappings)
		return 2;
	if (a->allocated != b->allocated)
		return 3;
	if (memcmp(&a->mask, &b->mask, sizeof(a->mask)) != 0 || a->umask != b->umask ||
	    strcmp(a->folder, b->folder) != 0 || a->environment != b->environment ||
	    a->pipe_handler != b->pipe_handler || a->bus_handler != b->bus_handler)
		return 4;
	return 0;
}

/* --- One run, in a child -----------------------------------------------------------------------
 */

/* The child stops where the call begins, and tells the result by a system call of its own. */
#define MARK 0x5eed

static long mark_end(int result)
{
	return syscall(SYS_getpgid, MARK, result);
}

/* The descriptors that a failing open or create would leave open. */
static void close_all(struct world *w)
{
	orbus_producer_close(w->p);
	orbus_reader_close(w->r);
	w->p = NULL;
	w->r = NULL;
}

/*
 * Every sample whose publish returned 0 can be read, and no other. A reader follows to a bus made
 * anew.
 */
static bool is_all_there(struct world *w)
{
	if (!w->r && orbus_reader_open(w->bus, &w->r) != 0)
		return w->published == 0;
	for (int i = 0; i < 3; i++, seconds_ahead += 2)
		if (read_next(w) != 0)
			return false;
	return w->seen == w->published;
}

static void warm_up(const char *bus)
{
	struct world w = {.published = 0};

	snprintf(w.bus, sizeof(w.bus), "%s-warm", bus);
	with_reader(&w);
	close_all(&w);
	bus_remove(w.bus);
}

/* The child's status: 0, or what was wrong. */
static int run(const struct operation *o, const char *bus, int output)
{
	struct footprint before, after;
	struct world w = {.published = 0};
	bool is_freeing;
	struct stat st;
	int err, errno_after;

	snprintf(w.bus, sizeof(w.bus), "%s", bus);
	if (dup2(output, 1) < 0 || dup2(output, 2) < 0)
		return 95;
	warm_up(bus);
	before = take_footprint();
	o->prepare(&w);
	raise(SIGSTOP);
	errno = 4711;
	err = o->call(&w);
	errno_after = errno;
	/* Says whether what failed was a call that frees. */
	is_freeing = mark_end(err) == 1;
	if (errno_after != 4711)
		return 10;
	if (err == -EINVAL || err < -4095 || err > 1)
		return 11;
	/* It is over: the same call works. */
	seconds_ahead += 2;
	err = o->call(&w);
	if (err < 0)
		return 12;
	if (w.p && publish(&w) != 0)
		return 13;
	if (!is_all_there(&w))
		return 14;
	close_all(&w);
	after = take_footprint();
	err = compare_footprints(&before, &after, is_freeing);
	if (err)
		return 20 + err;
	return fstat(output, &st) == 0 && st.st_size == 0 ? 0 : 15;
}

/* --- The parent, which makes a call fail -------------------------------------------------------
 */

#if defined(__x86_64__) && !SANITIZED

struct fault {
	unsigned nth; /* call to fail, from 1 */
	int error;
	unsigned long call; /* which that was */
	unsigned met;       /* calls between the marks */
	int result;         /* of the function */
	int status;
};

static bool frees(unsigned long call)
{
	return call == SYS_close || call == SYS_munmap;
}

/*
 * The error is the one that the kernel gave, but: the kernel's EINVAL is not the caller's, and a
 * lock that is taken, for which it may say EACCES too, is one that another program holds.
 */
static bool names_the_cause(const struct fault *f)
{
	return f->result >= 0 || f->call == 0 || f->result == -f->error ||
	       (f->error == EINVAL && f->result == -ENOSYS) ||
	       (f->error == EAGAIN && f->result == -EBUSY) ||
	       (f->error == EACCES && f->result == -EBUSY && f->call == SYS_fcntl);
}

/* A system call begins. True: it is not to be made. */
static bool at_entry(struct fault *f, const struct user_regs_struct *regs, bool *is_end)
{
	*is_end = regs->orig_rax == SYS_getpgid && regs->rdi == MARK;
	if (*is_end)
		f->result = (int)regs->rsi;
	else if (++f->met == f->nth)
		f->call = regs->orig_rax;
	return *is_end || f->met == f->nth;
}

/* The child stands at a system call. False: its last one between the marks is over. */
static bool step(pid_t child, struct fault *f, bool *is_entry, bool *is_refused)
{
	static bool is_end;
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, child, NULL, &regs);
	if (*is_entry) {
		*is_refused = at_entry(f, &regs, &is_end);
		regs.orig_rax = *is_refused ? (unsigned long)-1 : regs.orig_rax;
	} else if (*is_refused) {
		regs.rax = is_end ? frees(f->call) : (unsigned long)-(long)f->error;
	}
	if (*is_refused)
		ptrace(PTRACE_SETREGS, child, NULL, &regs);
	*is_entry = !*is_entry;
	return *is_entry ? !is_end : true;
}

/* A forked child takes over: its parent, which waits for it, is let go. */
static pid_t take_over(pid_t child)
{
	unsigned long forked;
	int status;

	ptrace(PTRACE_GETEVENTMSG, child, NULL, &forked);
	ptrace(PTRACE_DETACH, child, NULL, NULL);
	assert_int_equal(waitpid((pid_t)forked, &status, __WALL), forked);
	return (pid_t)forked;
}

static void follow(pid_t child, struct fault *f)
{
	bool is_between = false, is_entry = true, is_refused = false;
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	ptrace(PTRACE_SETOPTIONS, child, NULL,
	    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK);
	for (;;) {
		pid_t who;

		ptrace(is_between ? PTRACE_SYSCALL : PTRACE_CONT, child, NULL, NULL);
		who = waitpid(-1, &status, __WALL);
		while (who != child)
			who = waitpid(-1, &status, __WALL);
		if (!WIFSTOPPED(status))
			break;
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8))
			child = take_over(child);
		else if (WSTOPSIG(status) == SIGSTOP)
			is_between = true;
		else if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			is_between = step(child, f, &is_entry, &is_refused);
		else
			break; /* a crash: it is killed */
	}
	if (WIFSTOPPED(status))
		kill(child, SIGKILL);
	f->status = WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WSTOPSIG(status);
}

static void run_with(const struct operation *o, const char *bus, struct fault *f)
{
	int output = memfd_create("output", MFD_CLOEXEC);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
			_exit(96);
		_exit(run(o, bus, output));
	}
	follow(child, f);
	while (waitpid(-1, NULL, 0) > 0) /* a parent that was let go */
		;
	close(output);
	bus_remove(bus);
}

static const int errors[] = {EPERM, EACCES, EINVAL, ENOMEM, EMFILE, ENFILE, ENOSPC, EIO, ENOSYS,
    EINTR, EAGAIN, ENOENT, EEXIST, EBUSY};

static void one_operation(const struct operation *o, const char *bus)
{
	unsigned calls = 0;

	for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
		for (unsigned nth = 1;; nth++) {
			struct fault f = {.nth = nth, .error = errors[e]};

			run_with(o, bus, &f);
			if (getenv("ORBUS_TEST_SHOW"))
				print_message("%s: call %u, %lu: %s -> %d %s, status %d\n", o->name,
				    nth, f.call, strerror(f.error), f.result,
				    f.result < 0 ? orbus_strerror(f.result) : "", f.status);
			if (f.status != 0 || !names_the_cause(&f))
				fail_msg(
				    "%s: system call %lu (%u) fails with %s: result %d, wrong: %d",
				    o->name, f.call, nth, strerror(f.error), f.result, f.status);
			calls += f.met >= nth;
			if (f.met < nth)
				break;
		}
	}
	print_message("%s: %u failures\n", o->name, calls);
}

/* ORBUS_TEST_ONLY, a part of a name: only these; ORBUS_TEST_SHOW: tells each failure. */
static void each_system_call_may_fail(void **state)
{
	const char *only = getenv("ORBUS_TEST_ONLY");

	for (size_t i = 0; i < OPERATIONS; i++)
		if (!only || strstr(operations[i].name, only))
			one_operation(&operations[i], *state);
}

#else

static void each_system_call_may_fail(void **state)
{
	(void)state;
	(void)run;
	skip();
}

#endif

/* --- Allocations -------------------------------------------------------------------------------
 */

/* In a child too: what it leaks, its sanitizer tells at its end. */
static int with_failing_allocation(const struct operation *o, const char *bus, long nth)
{
	struct world w = {.published = 0};
	int err;

	snprintf(w.bus, sizeof(w.bus), "%s", bus);
	o->prepare(&w);
	allocations_left = nth;
	err = o->call(&w);
	if (allocations_left >= 0)
		err = 1000; /* there are no more */
	allocations_left = -1;
	if (err < 0 && err != -ENOMEM)
		return 30;
	if (o->call(&w) < 0)
		return 31;
	if (w.p && publish(&w) != 0)
		return 32;
	close_all(&w);
	return err == 1000 ? 77 : 0;
}

static void each_allocation_may_fail(void **state)
{
	for (size_t i = 0; i < OPERATIONS; i++) {
		unsigned failures = 0;

		for (long nth = 0;; nth++) {
			pid_t child = fork();
			int status;

			assert_true(child >= 0);
			if (child == 0)
				exit(with_failing_allocation(&operations[i], *state, nth));
			assert_int_equal(waitpid(child, &status, 0), child);
			bus_remove(*state);
			if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
				break;
			failures++;
			if (status != 0)
				fail_msg("%s: allocation %ld fails: %d", operations[i].name, nth,
				    status);
		}
		print_message("%s: %u failures\n", operations[i].name, failures);
		/* A signal handler may have interrupted malloc(). */
		if (operations[i].call == publish_some || operations[i].call == request)
			assert_int_equal(failures, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    bus_test(each_system_call_may_fail),
	    bus_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
