/*
 * write_slots.c: callbacks of its own for each transfer under way.
 *
 * `call` and `watcher` are read and changed only by the thread that holds `busy`. A callback never
 * waits for it: where another thread holds it, which a duplicate of the handle makes possible, the
 * bytes pass unmeasured. The program's own functions are called without it, and see errno as it
 * was.
 */
#include "write_slots.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>

/* As many transfers of a process can be measured at once, and as many pairs of functions served. */
#define SLOTS 4096

struct slot {
	atomic_bool busy;
	/* Set once, before a callback of this slot is handed out, and read without `busy` by it. */
	struct slot_functions program;
	struct orbus_curl *call; /* NULL: none */
	const struct slot_watcher *watcher;
	unsigned turn; /* counts the calls that it has served */
};

static struct slot slots[SLOTS];

/* Acquire: pairs with the release in leave(). */
static bool try_enter(struct slot *s)
{
	return !atomic_exchange_explicit(&s->busy, true, memory_order_acquire);
}

static void leave(struct slot *s)
{
	atomic_store_explicit(&s->busy, false, memory_order_release);
}

static bool read_bytes(struct slot *s, const char *bytes, size_t length, const void *data,
    bool *in_time, unsigned *turn)
{
	bool is_read = false;

	if (!try_enter(s))
		return false;
	if (s->call && s->watcher->expects(s->call, data)) {
		*in_time = s->watcher->read(s->call, bytes, length);
		*turn = s->turn;
		is_read = true;
	}
	leave(s);
	return is_read;
}

static size_t dispatch(struct slot *s, char *bytes, size_t size, size_t count, void *data)
{
	size_t length = size * count, taken;
	bool in_time = true, is_read;
	unsigned turn = 0;
	int saved = errno;

	is_read = read_bytes(s, bytes, length, data, &in_time, &turn);
	errno = saved;
	taken = s->program.write(bytes, size, count, data);
	saved = errno;
	if (!is_read || !try_enter(s))
		return taken;
	if (s->call && s->turn == turn)
		taken = s->watcher->passed(s->call, length, taken, in_time);
	leave(s);
	errno = saved;
	return taken;
}

static int dispatch_progress(struct slot *s, void *data, const struct progress *now)
{
	int stop = 0, saved;

	if (s->program.progress)
		stop =
		    s->program.progress(data, now->dltotal, now->dlnow, now->ultotal, now->ulnow);
	saved = errno;
	if (!try_enter(s))
		return stop;
	if (s->call)
		stop = s->watcher->progress(s->call, now, stop);
	leave(s);
	errno = saved;
	return stop;
}

/* clang-format off */
#define CALLBACK(n) \
	static size_t on_write_##n(char *bytes, size_t size, size_t count, void *data) \
	{ \
		return dispatch(&slots[0x##n], bytes, size, count, data); \
	} \
	static int on_progress_##n(void *data, curl_off_t dltotal, curl_off_t dlnow, \
	    curl_off_t ultotal, curl_off_t ulnow) \
	{ \
		return dispatch_progress( \
		    &slots[0x##n], data, &(struct progress){dltotal, dlnow, ultotal, ulnow}); \
	}
#define NAME(n) {on_write_##n, on_progress_##n},

#define EACH(X, n) \
	X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7) \
	X(n##8) X(n##9) X(n##a) X(n##b) X(n##c) X(n##d) X(n##e) X(n##f)
#define EACH_16(X, n) \
	EACH(X, n##0) EACH(X, n##1) EACH(X, n##2) EACH(X, n##3) \
	EACH(X, n##4) EACH(X, n##5) EACH(X, n##6) EACH(X, n##7) \
	EACH(X, n##8) EACH(X, n##9) EACH(X, n##a) EACH(X, n##b) \
	EACH(X, n##c) EACH(X, n##d) EACH(X, n##e) EACH(X, n##f)
#define ALL(X) \
	EACH_16(X, 0) EACH_16(X, 1) EACH_16(X, 2) EACH_16(X, 3) \
	EACH_16(X, 4) EACH_16(X, 5) EACH_16(X, 6) EACH_16(X, 7) \
	EACH_16(X, 8) EACH_16(X, 9) EACH_16(X, a) EACH_16(X, b) \
	EACH_16(X, c) EACH_16(X, d) EACH_16(X, e) EACH_16(X, f)

ALL(CALLBACK)

static const struct slot_functions callbacks[] = {ALL(NAME)};
/* clang-format on */
_Static_assert(sizeof(callbacks) / sizeof(callbacks[0]) == SLOTS, "callbacks for each slot");

/* Where to look first, so that those with the same functions lie together. */
static unsigned first_slot(const struct slot_functions *program)
{
	uint64_t key = (uint64_t)(uintptr_t)program->write * UINT64_C(0x9e3779b97f4a7c15) ^
	               (uint64_t)(uintptr_t)program->progress;

	return (unsigned)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % SLOTS;
}

/* Of a slot that is held: whether it is free for a call with these functions. */
static bool suits(struct slot *s, const struct slot_functions *program)
{
	if (!s->program.write)
		s->program = *program;
	return !s->call && s->program.write == program->write &&
	       s->program.progress == program->progress;
}

bool write_slot_take(struct orbus_curl *call, const struct slot_watcher *watcher,
    const struct slot_functions *program, unsigned *slot, struct slot_functions *ours)
{
	unsigned first = first_slot(program);

	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = &slots[(first + i) % SLOTS];
		bool taken;

		if (!try_enter(s))
			continue;
		taken = suits(s, program);
		if (taken) {
			s->call = call;
			s->watcher = watcher;
		}
		leave(s);
		if (taken) {
			*slot = (first + i) % SLOTS;
			*ours = callbacks[*slot];
			return true;
		}
	}
	return false;
}

/* Waits for no more than a duplicate's bytes that are being read in another thread. */
void write_slot_free(unsigned slot)
{
	struct slot *s = &slots[slot];

	while (!try_enter(s))
		sched_yield();
	s->call = NULL;
	s->turn++;
	leave(s);
}
