/*
 * producer.c: publishing samples into a lane that this process owns.
 *
 * The fast path is: occupy the handle, one load (am I in a forked child?), encode into private
 * memory, one vDSO clock read, one seqlock write, one store of `head`. It computes with private
 * copies only; shared words are stored to and never read, so no other process can influence it.
 *
 * A publish may be made in a signal handler that interrupted any code: it calls nothing that
 * allocates or locks, and leaves errno as it was. It may be made in a child that was forked while
 * another thread was at any point of a publish: the child drops the lane and computes with none of
 * what that publish may have left half-written.
 */
#include "producer.h"
#include "base/now.h"
#include "base/utf8.h"
#include "handle.h"
#include "lane.h"
#include "sample/sample.h"
#include "slot.h"
#include "slow_path.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK_EVERY_NS NS_PER_SECOND
/* How long a publish may search for a free lane, and how soon the next one may continue. */
#define WALK_NS     UINT64_C(200000)
#define GO_ON_AFTER UINT64_C(10000000)
/* Readers that one ring of the bell wakes. Any process can pretend to be many sleeping readers; the
 * others find the sample at their next poll. */
#define BELL_WAKES 64

/* What a struct orbus_producer * stands for. */
struct producer {
	struct lane lane;
	bool attached;
	uint64_t checked_ns; /* CLOCK_REALTIME: when the bus was last looked at */
	int attach_error;
	uint32_t walk_from; /* where the search for a free lane goes on */
	char bot[PRODUCER_BOT_MAX + 1];
	uint64_t *payload; /* where a sample is encoded; a slot's payload large */
	uint32_t payload_bytes;
	struct bus_paths paths;
	dev_t root_device; /* where the names are looked up: chroot() changes it */
	ino_t root_inode;
};

/* False too where "/" cannot be seen: then nothing that is seen below it counts. */
static bool is_in_root(const struct producer *p)
{
	struct stat st;

	return stat("/", &st) == 0 && st.st_dev == p->root_device && st.st_ino == p->root_inode;
}

static void note_root(struct producer *p)
{
	struct stat st = {0};

	if (stat("/", &st) == 0) {
		p->root_device = st.st_dev;
		p->root_inode = st.st_ino;
	}
}

/*
 * Whether the name stands for another bus now, or for none. A name that cannot be seen any more,
 * since the program gave up rights (setuid) or moved (chroot), is not taken as removed: the lane is
 * mapped, and ours.
 */
static bool is_bus_removed(const struct producer *p)
{
	struct stat st;

	if (lstat(p->paths.ring, &st) == 0)
		return st.st_ino != p->lane.shape.inode && is_in_root(p);
	return errno == ENOENT && is_in_root(p);
}

/* By mmap(): a publish may come here, in a signal handler that interrupted malloc(). */
static int fit_payload(struct producer *p, uint32_t bytes)
{
	uint64_t *former = p->payload, *payload;
	uint32_t former_bytes = p->payload_bytes;

	if (bytes == former_bytes)
		return 0;
	payload = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (payload == MAP_FAILED)
		return system_error(errno);
	p->payload_bytes = 0;
	atomic_thread_fence(memory_order_release); /* for a child that is forked here */
	p->payload = payload;
	atomic_thread_fence(memory_order_release);
	p->payload_bytes = bytes;
	if (former)
		munmap(former, former_bytes);
	return 0;
}

/*
 * Only when the new lane is ours: a failed move leaves the old one in use. A child that is forked
 * in the middle finds no lane attached.
 */
static void move_to(struct producer *p, const struct lane *lane)
{
	struct lane former = p->lane;
	bool had_lane = p->attached;

	p->attached = false;
	atomic_thread_fence(memory_order_release); /* for a child that is forked here */
	p->lane = *lane;
	atomic_thread_fence(memory_order_release);
	p->attached = true;
	if (had_lane)
		lane_release(&former);
}

/* Claims a lane and makes room for encoding what its slots can hold. */
static int attach(struct producer *p, bool at_once)
{
	struct lane_effort effort = {.wait_ms = at_once ? 0 : SEGMENT_WAIT_MS,
	    .walk_ns = at_once ? WALK_NS : 0,
	    .from = p->walk_from};
	struct lane lane;
	int err = lane_claim(&p->paths, &effort, &lane);

	p->walk_from = effort.from;
	if (err)
		return err;
	err = fit_payload(p, shape_payload_bytes(&lane.shape));
	if (err) {
		lane_release(&lane);
		return err;
	}
	move_to(p, &lane);
	note_root(p);
	return 0;
}

static void destroy(void *body)
{
	struct producer *p = body;

	if (p->attached)
		lane_release(&p->lane);
	if (p->payload_bytes)
		munmap(p->payload, p->payload_bytes);
	free(p);
}

static int open_on(const char *bus, const char *bot, struct producer **out)
{
	struct producer *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	strcpy(p->bot, bot);
	err = bus_paths_resolve(bus, &p->paths);
	if (!err)
		err = attach(p, false);
	if (err) {
		destroy(p);
		return err;
	}
	p->checked_ns = now_ns_of(CLOCK_REALTIME);
	*out = p;
	return 0;
}

int orbus_producer_open(const char *bus, const char *bot, struct orbus_producer **out)
{
	struct slow_path before;
	struct handle_cell *cell;
	struct producer *p;
	int err;

	if (!out)
		return -EINVAL;
	*out = NULL;
	if (!bot || !*bot || strlen(bot) > PRODUCER_BOT_MAX)
		return -EINVAL;
	if (!utf8_is_valid(bot, strlen(bot)))
		return -EILSEQ;
	before = slow_path_begin();
	cell = handle_take(&err);
	if (cell) {
		err = open_on(bus, bot, &p);
		if (err)
			handle_drop(cell);
		else
			*out = handle_show(cell, HANDLE_PRODUCER, p, destroy);
	}
	slow_path_end(before);
	return err;
}

void orbus_producer_close(struct orbus_producer *p)
{
	handle_close(p, HANDLE_PRODUCER);
}

/* By the clock that stamps samples, which a publish reads anyway. Set back, it makes a check due.
 */
static inline bool is_check_due(const struct producer *p, uint64_t now_ns)
{
	return now_ns - p->checked_ns >= CHECK_EVERY_NS;
}

/*
 * Off the fast path: in a forked child, or once a second. The bus may have been unlinked (systemd's
 * RemoveIPC, an operator's rm) or replaced: then its new incarnation is joined or made.
 */
static int reattach(struct producer *p, uint64_t now_ns, bool forked)
{
	if (forked && p->attached) {
		lane_release(&p->lane); /* the child's copy: only forgets */
		p->attached = false;
		p->checked_ns = 0;
	}
	if (!is_check_due(p, now_ns))
		return p->attach_error;
	p->checked_ns = now_ns;
	if (p->attached && !is_bus_removed(p)) {
		p->attach_error = 0;
		lane_say_reserved(&p->lane);
		return 0;
	}
	p->attach_error = attach(p, true);
	/* The search was cut off: it goes on soon, not only in a second. */
	if (p->attach_error == -EAGAIN)
		p->checked_ns = now_ns - CHECK_EVERY_NS + GO_ON_AFTER;
	return p->attach_error;
}

static int reattach_if_needed(struct producer *p, uint64_t now_ns, bool forked)
{
	struct slow_path before = slow_path_begin();
	int err = reattach(p, now_ns, forked);

	slow_path_end(before);
	return err;
}

/* A quarter of the lane since the last ring: readers asleep must come before they are lapped. */
static void ring_bell(struct ring_shared *shared)
{
	int before = errno;

	/* Release: a reader that sees the new count sees what was published. Pairs with the acquire
	 * in sleep_on_bell(). */
	atomic_fetch_add_explicit(&shared->bell, 1, memory_order_release);
	syscall(SYS_futex, &shared->bell, FUTEX_WAKE, BELL_WAKES, NULL, NULL, 0);
	errno = before;
}

static void publish_payload(struct lane *lane, const uint64_t *payload, uint32_t length)
{
	uint32_t slots = lane->shape.slots_per_lane;
	size_t offset = (size_t)(lane->head & (slots - 1)) * lane->shape.slot_bytes;

	slot_write((struct slot *)(lane->slots + offset), lane->head, lane->epoch, payload, length);
	lane->head++;
	lane_store_header(lane->header, lane);
	if ((lane->head & (slots / 4 - 1)) == 0)
		ring_bell(lane->shared);
}

static int publish(struct producer *p, const struct orbus_sample *s)
{
	uint64_t now_ns = now_ns_of(CLOCK_REALTIME);
	bool lost_lane;
	int length, err = s ? sample_validate(s) : -EINVAL;

	if (err)
		return err;
	lost_lane = !p->attached || !lane_is_mine(&p->lane);
	if (lost_lane || is_check_due(p, now_ns) || p->attach_error) {
		err = reattach_if_needed(p, now_ns, lost_lane);
		if (err)
			return err;
	}
	length =
	    sample_encode(s, s->ts ? s->ts : now_ns, p->bot, (char *)p->payload, p->payload_bytes);
	if (length < 0)
		return length;
	publish_payload(&p->lane, p->payload, (uint32_t)length);
	return 0;
}

int orbus_publish(struct orbus_producer *p, const struct orbus_sample *s)
{
	struct handle_cell *cell;
	int err = handle_enter(p, HANDLE_PRODUCER, &cell);

	if (!err) {
		err = publish(cell->body, s);
		handle_leave(cell);
	}
	if (err && handle_is_open(p, HANDLE_PRODUCER))
		atomic_fetch_add_explicit(
		    &handle_cell_of(p)->refused, 1, memory_order_relaxed); /* a count */
	return err;
}

uint64_t orbus_producer_refused(const struct orbus_producer *p)
{
	return handle_is_open(p, HANDLE_PRODUCER)
	           ? atomic_load_explicit(&handle_cell_of(p)->refused, memory_order_relaxed)
	           : 0;
}

/* Where ids begin; never 0. */
static uint64_t first_id(void)
{
	int before = errno;
	uint64_t id;

	if (getrandom(&id, sizeof(id), GRND_NONBLOCK) != (ssize_t)sizeof(id))
		id = now_ns_of(CLOCK_REALTIME) ^ (uint64_t)getpid() << 40;
	errno = before;
	return id ? id : 1;
}

/*
 * May be called while another call is under way: a request whose begin was refused for that reason
 * may still be ended. A forked child must not repeat its parent's ids, and finds the word wiped.
 */
bool producer_next_id(const struct orbus_producer *p, uint64_t *id)
{
	uint64_t none = 0;
	_Atomic uint64_t *next;

	if (!handle_is_open(p, HANDLE_PRODUCER))
		return false;
	/* Relaxed: no other data goes with an id. */
	next = &handle_cell_of(p)->guard->next_id;
	if (atomic_load_explicit(next, memory_order_relaxed) == 0)
		atomic_compare_exchange_strong_explicit(
		    next, &none, first_id(), memory_order_relaxed, memory_order_relaxed);
	*id = atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
	return true;
}
