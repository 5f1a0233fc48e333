/*
 * test_lying_owners.c: a property of reading: owners that lie in their lane's header, as the soak's
 * liar does, change nothing of what was published there. Each record that the slots hold is taken
 * once, whoever published it: an honest owner's samples are delivered, rubbish is rejected, and
 * nothing is lost.
 *
 * First the known cases, with the reader kept waiting before each of its loads in turn. Then random
 * sequences of: an honest owner publishes, a liar takes the lane and lies or publishes
 * rubbish, owners die, time passes, the reader takes some or all, stores a checkpoint, or is killed
 * and begins at its last one. All but the reader's own steps also happen between two of the
 * reader's loads. The slots hold what was published since the last checkpoint, so the truth is
 * there to be found.
 *
 * test_scribbled.c has what comes from outside: scribbles over slots too, of which less is known.
 * ORBUS_TEST_SEED and ORBUS_TEST_CASES repeat or prolong it.
 */
#include "base/now.h"
#include "orbus.h"
#include "reader_loads.h"
#include "ring/head.h"
#include "ring/lane.h"
#include "ring/reader.h"
#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS       64u
#define RECORDS_MAX 4096u
#define CASES       3000
#define STEPS       60
#define POINT_STEP  23
#define SETTLING_NS UINT64_C(700000000) /* longer than any lane is put aside */

static uint64_t seed, time_ns;

static uint64_t random_word(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t any(uint64_t below)
{
	return random_word() % below;
}

static uint64_t the_time(void)
{
	return time_ns;
}

/* What an agent knows, and what it stores with a checkpoint. */
struct books {
	uint64_t position, count_id;
	uint64_t lost, rejected; /* by readers that are closed */
	uint64_t delivered;
	uint8_t got[RECORDS_MAX]; /* times that a sample was delivered */
};

static struct play {
	const char *bus;
	uint8_t *ring;
	struct ring_shape shape;
	struct orbus_producer *honest;
	struct lane liar;
	bool is_liar_there, may_publish, may_name_itself;
	struct orbus_reader *reader;
	struct books books, checkpoint;
	uint32_t published; /* samples are numbered from 1 */
	uint32_t rubbish;
	uint64_t head; /* of the lane, truly */
	void (*meanwhile)(struct play *p);
	uint64_t loads;    /* of the reader, until others do that */
	bool is_intruding; /* what others do does not stop itself */
} play;

static struct lane_header *header(const struct play *p)
{
	return (struct lane_header *)(p->ring + p->shape.lanes_offset);
}

static void trace(const struct play *p, const char *what)
{
	const struct lane_header *h = header(p);

	if (!getenv("ORBUS_TEST_TRACE"))
		return;
	print_message(
	    "%s%s: published %u + %u, head %llx (%llx) epoch %llx count %llx from %llx%s; "
	    "place %llx, taken %llx + %llx\n",
	    p->is_intruding ? "    " : "", what, p->published, p->rubbish,
	    (unsigned long long)h->head, (unsigned long long)p->head, (unsigned long long)h->epoch,
	    (unsigned long long)h->count_id, (unsigned long long)h->count_head,
	    h->claim == head_claim_word(h->epoch, h->count_id, h->count_head) ? " claimed" : "",
	    (unsigned long long)p->books.position, (unsigned long long)p->books.delivered,
	    (unsigned long long)p->books.rejected);
}

/* --- The owners ------------------------------------------------------------------------------- */

static void die(struct play *p)
{
	orbus_producer_close(p->honest);
	p->honest = NULL;
	if (p->is_liar_there)
		lane_release(&p->liar);
	p->is_liar_there = false;
	trace(p, "die");
}

/* The ring holds what came since the checkpoint, and the record before that, by which a reader
 * finds its place. */
static bool has_room(const struct play *p)
{
	const struct books *b = &p->checkpoint;

	return p->head < b->delivered + b->rejected + SLOTS - 1 && p->published + 1 < RECORDS_MAX;
}

static void publish_some(struct play *p, uint64_t n)
{
	struct orbus_sample s;

	if (p->is_liar_there)
		die(p);
	if (!p->honest)
		assert_int_equal(orbus_producer_open(p->bus, "b", &p->honest), 0);
	orbus_sample_init(&s);
	for (; n > 0 && has_room(p); n--) {
		s.prompt_tokens = ++p->published;
		time_ns += 100; /* nobody is faster */
		assert_int_equal(orbus_publish(p->honest, &s), 0);
		p->head++;
	}
	trace(p, "publish");
}

static void publish(struct play *p)
{
	publish_some(p, any(3) ? any(3) : any(SLOTS));
}

static void take_over(struct play *p)
{
	struct lane_effort effort = {.wait_ms = 1000};
	struct bus_paths paths;

	if (p->is_liar_there)
		return;
	die(p);
	assert_int_equal(bus_paths_resolve(p->bus, &paths), 0);
	assert_int_equal(lane_claim(&paths, &effort, &p->liar), 0);
	p->is_liar_there = true;
	p->may_publish = p->may_name_itself = true;
	assert_int_equal(p->liar.head, p->head);
	trace(p, "take over");
}

static void publish_rubbish(struct play *p)
{
	uint64_t rubbish[2] = {0xc1, 0}, at = (p->liar.head & (SLOTS - 1)) * p->shape.slot_bytes;

	for (uint64_t n = any(5); n > 0 && p->may_publish && has_room(p); n--) {
		time_ns += 100;
		slot_write((struct slot *)(p->liar.slots + at), p->liar.head, p->liar.epoch,
		    rubbish, sizeof(rubbish));
		p->liar.head++;
		at = (p->liar.head & (SLOTS - 1)) * p->shape.slot_bytes;
		lane_store_header(p->liar.header, &p->liar);
		p->head++;
		p->rubbish++;
		p->may_name_itself = false;
	}
	trace(p, "rubbish");
}

/* Anything: what is near the truth, on a bound, or any number of any size. */
static uint64_t any_number(const struct play *p)
{
	switch (any(6)) {
	case 0: return p->head + any(5) - 2;
	case 1: return p->books.position + any(5) - 2;
	case 2: return p->checkpoint.position + any(5) - 2;
	case 3: return any(p->head + 2);
	case 4: return head_possible_in(time_ns) * (1 + any(2)) + any(3) - 1;
	default: return random_word() >> any(64);
	}
}

/*
 * A head that is exactly one too low looks like an owner's who died before he had published his
 * last record: docs/reliability.md has it among what is not promised.
 */
static uint64_t any_head(const struct play *p)
{
	uint64_t head = any_number(p);

	return head + 1 == p->head ? p->head : head;
}

/* Of its own records an owner may say that they are of a new count, which makes them count twice:
 * docs/reliability.md has that too. So an owner lies in its own name, or publishes. */
static void lie(struct play *p)
{
	struct lane_header *h = header(p);
	bool is_own = p->is_liar_there && p->may_name_itself && any(2);
	uint64_t epoch = is_own ? p->liar.epoch : random_word() >> any(64);

	switch (any(5)) {
	case 0: atomic_store(&h->head, p->head + (2 + any(64)) * SLOTS); break;
	case 1: /* the truth */
		if (p->is_liar_there)
			lane_store_header(h, &p->liar);
		break;
	case 2:
		p->may_publish = p->may_publish && !is_own;
		atomic_store(&h->count_head, any_number(p));
		atomic_store(&h->count_id, any(9) ? random_word() >> any(64) : 0);
		if (any(4))
			atomic_store(&h->claim, head_claim_word(epoch, h->count_id, h->count_head));
		atomic_store(&h->epoch, epoch);
		if (any(2))
			atomic_store(&h->head, any_head(p));
		break;
	default: atomic_store(&h->head, any_head(p));
	}
	trace(p, "lie");
}

static void others_do_something(struct play *p)
{
	static const uint64_t passing_ms[] = {0, 1, 5, 100, 700, 3000};

	time_ns += passing_ms[any(6)] * 1000000;
	switch (any(8)) {
	case 0: publish(p); break;
	case 1: die(p); break;
	case 2: take_over(p); break;
	case 3:
		if (p->is_liar_there)
			publish_rubbish(p);
		break;
	/* Of a lane that an honest owner has too: then another process scribbles over it. */
	default: lie(p);
	}
	if (p->is_intruding)
		p->loads = 1 + any(any(2) ? 8 : 200);
}

/* --- The reader ------------------------------------------------------------------------------- */

void reader_loads(void)
{
	struct play *p = &play;

	if (p->is_intruding || p->loads == 0 || --p->loads > 0)
		return;
	p->is_intruding = true;
	p->meanwhile(p);
	p->is_intruding = false;
}

static void disturb(struct play *p)
{
	p->meanwhile = others_do_something;
	p->loads = any(3) ? 1 + any(any(2) ? 20 : 200) : 0;
}

static void look_on(struct play *p, uint64_t samples)
{
	struct orbus_sample s;

	while (samples > 0) {
		if (orbus_reader_next(p->reader, &s) != 1) {
			if (reader_is_drained(p->reader))
				break;
			continue;
		}
		samples--;
		assert_in_range(s.prompt_tokens, 1, p->published);
		if (!reader_origin(p->reader)->replayed) {
			p->books.got[s.prompt_tokens]++;
			p->books.delivered++;
		}
	}
}

static void note_books(struct play *p)
{
	p->books.position = reader_position(p->reader, 0);
	p->books.count_id = reader_position_count(p->reader, 0);
}

static void look(struct play *p, uint64_t samples)
{
	look_on(p, samples);
	p->loads = 0;
	note_books(p);
	trace(p, "look");
}

static void store_checkpoint(struct play *p)
{
	p->checkpoint = p->books;
	p->checkpoint.lost += orbus_reader_lost(p->reader);
	p->checkpoint.rejected += orbus_reader_rejected(p->reader);
	trace(p, "checkpoint");
}

static void open_reader(struct play *p)
{
	p->books = p->checkpoint;
	assert_int_equal(orbus_reader_open(p->bus, &p->reader), 0);
	reader_set_clock(p->reader, the_time);
	(void)reader_set_position(p->reader, 0, p->books.position, p->books.count_id);
}

static void start(struct play *p)
{
	open_reader(p);
	p->loads = 0;
	trace(p, "start");
}

static void kill_at_once_and_start(struct play *p)
{
	orbus_reader_close(p->reader);
	start(p);
}

static void kill_and_start(struct play *p)
{
	orbus_reader_close(p->reader);
	disturb(p);
	start(p);
}

/* --- The play --------------------------------------------------------------------------------- */

static void step(struct play *p)
{
	switch (any(8)) {
	case 0: kill_and_start(p); break;
	case 1: store_checkpoint(p); break;
	case 2:
	case 3:
		disturb(p);
		look(p, any(2) ? UINT64_MAX : any(10));
		break;
	default: others_do_something(p);
	}
}

static void open_play(struct play *p, const char *bus)
{
	const struct orbus_create_options o = {.lanes = 1, .slots = SLOTS, .slot_bytes = 128};
	struct bus_paths paths;
	int fd;

	*p = (struct play){.bus = bus};
	assert_int_equal(orbus_create(bus, &o), 0);
	assert_int_equal(bus_paths_resolve(bus, &paths), 0);
	fd = segment_open(&paths, O_RDWR, &p->shape, NULL);
	assert_true(fd >= 0);
	p->ring = mmap(NULL, p->shape.ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p->ring, MAP_FAILED);
	close(fd);
	start(p);
}

static void close_play(struct play *p)
{
	die(p);
	orbus_reader_close(p->reader);
	munmap(p->ring, p->shape.ring_bytes);
	bus_remove(p->bus);
}

/* What the last owner left hides nothing from the next one's readers. */
static void settle(struct play *p)
{
	die(p);
	if (!has_room(p)) {
		/* What was counted may be wrong by now: then that is what is found. */
		look(p, UINT64_MAX);
		store_checkpoint(p);
	}
	assert_int_equal(orbus_producer_open(p->bus, "b", &p->honest), 0);
	for (int n = 0; n < 4; n++) {
		time_ns += SETTLING_NS;
		look(p, UINT64_MAX);
	}
	store_checkpoint(p);
}

static bool balances(const struct play *p)
{
	uint64_t twice = 0, missing = 0;

	for (uint32_t i = 1; i <= p->published; i++) {
		missing += p->checkpoint.got[i] == 0;
		twice += p->checkpoint.got[i] > 1;
	}
	if (twice == 0 && missing == 0 && p->checkpoint.lost == 0 &&
	    p->checkpoint.rejected == p->rubbish)
		return true;
	print_error(
	    "%u published: %llu twice, %llu missing, %llu lost; %u rubbish, %llu rejected\n",
	    p->published, (unsigned long long)twice, (unsigned long long)missing,
	    (unsigned long long)p->checkpoint.lost, p->rubbish,
	    (unsigned long long)p->checkpoint.rejected);
	return false;
}

static void what_is_published_is_taken_once_whatever_its_owners_say(void **state)
{
	const char *given = getenv("ORBUS_TEST_SEED"), *number = getenv("ORBUS_TEST_CASES");
	uint64_t first = given ? strtoull(given, NULL, 10) : 1, failed = 0;
	uint64_t cases = number ? strtoull(number, NULL, 10) : CASES;

	for (uint64_t i = first; i < first + cases; i++) {
		seed = i * UINT64_C(0x9e3779b97f4a7c15) + 1;
		time_ns = now_ns_of(CLOCK_BOOTTIME) + 1000000;
		open_play(&play, *state);
		for (int n = 0; n < STEPS; n++)
			step(&play);
		settle(&play);
		if (!balances(&play)) {
			print_error("case %llu\n", (unsigned long long)i);
			failed++;
		}
		close_play(&play);
	}
	assert_int_equal(failed, 0);
}

/* --- The known cases -------------------------------------------------------------------------- */

/* A header that names an owner and a count that are invented. */
static void invent(struct play *p, uint64_t begin, uint64_t head)
{
	struct lane_header *h = header(p);

	take_over(p);
	atomic_store(&h->count_head, begin);
	atomic_store(&h->count_id, 0x1234567);
	atomic_store(&h->claim, head_claim_word(0x4321, h->count_id, begin));
	atomic_store(&h->epoch, 0x4321);
	atomic_store(&h->head, head);
	trace(p, "invent");
}

static void a_count_from_the_beginning(struct play *p)
{
	invent(p, 0, p->head);
}

static void a_count_from_the_middle(struct play *p)
{
	invent(p, p->head / 2, p->head);
}

static void a_count_behind_its_head(struct play *p)
{
	invent(p, p->head / 2, p->head / 3);
}

static void a_head_that_is_low(struct play *p)
{
	take_over(p);
	atomic_store(&header(p)->head, p->head / 3);
}

static void a_head_that_is_high(struct play *p)
{
	take_over(p);
	atomic_store(&header(p)->head, p->head + 1);
}

static void no_count(struct play *p)
{
	invent(p, 0, p->head / 3);
	atomic_store(&header(p)->count_id, 0);
}

static void a_liar_without_a_word(struct play *p)
{
	take_over(p);
}

typedef void act(struct play *p);
static act *const lies[] = {a_count_from_the_beginning, a_count_from_the_middle,
    a_count_behind_its_head, a_head_that_is_low, a_head_that_is_high, no_count,
    a_liar_without_a_word};
#define LIES (sizeof(lies) / sizeof(lies[0]))

/* The next owner is honest, and published by the time that the reader goes on. */
static void the_next_owner_publishes(struct play *p)
{
	die(p);
	publish_some(p, 3);
}

/* He goes on with the count that a liar invented. */
static void the_next_goes_on_with_an_invented_count(struct play *p)
{
	a_count_from_the_beginning(p);
	die(p);
	publish_some(p, 3);
}

static void the_next_publishes_and_another_lies(struct play *p)
{
	the_next_owner_publishes(p);
	a_count_behind_its_head(p);
}

static void the_next_publishes_and_another_lowers_the_head(struct play *p)
{
	the_next_owner_publishes(p);
	a_head_that_is_low(p);
}

static act *const meanwhiles[] = {the_next_owner_publishes, the_next_goes_on_with_an_invented_count,
    the_next_publishes_and_another_lies, the_next_publishes_and_another_lowers_the_head,
    a_count_from_the_beginning, a_head_that_is_low};
#define MEANWHILES (sizeof(meanwhiles) / sizeof(meanwhiles[0]))

struct known {
	unsigned before, meanwhile, again;
	bool is_at_start;     /* the reader begins again, else it looks */
	uint64_t taken;       /* of what is there at first, before the checkpoint */
	bool is_liar_at_once; /* the reader comes when the lane lies already */
};

/* False: the reader made fewer loads. */
static bool play_known(const char *bus, const struct known *k, uint64_t point)
{
	struct play *p = &play;
	bool is_reached;

	open_play(p, bus);
	publish_some(p, 20);
	if (!k->is_liar_at_once) {
		look(p, k->taken);
		store_checkpoint(p);
	}
	lies[k->before](p);
	if (k->is_liar_at_once) {
		look(p, k->taken);
		store_checkpoint(p);
	}
	orbus_reader_close(p->reader);
	p->meanwhile = meanwhiles[k->meanwhile];
	if (!k->is_at_start)
		start(p);
	p->loads = point;
	if (k->is_at_start) {
		open_reader(p);
		is_reached = p->loads == 0;
	} else {
		look_on(p, UINT64_MAX);
		is_reached = p->loads == 0;
	}
	p->loads = 0;
	note_books(p);
	look(p, UINT64_MAX);
	store_checkpoint(p);
	lies[k->again](p);
	kill_at_once_and_start(p);
	time_ns += SETTLING_NS;
	look(p, UINT64_MAX);
	settle(p);
	if (!balances(p))
		fail_msg("before %u, meanwhile %u, again %u, %s, %d taken%s, before load %d",
		    k->before, k->meanwhile, k->again, k->is_at_start ? "at the start" : "looking",
		    (int)k->taken, k->is_liar_at_once ? " from the liar" : "", (int)point);
	close_play(p);
	return is_reached;
}

static void it_is_taken_once_whenever_the_reader_is_kept_waiting(void **state)
{
	static const uint64_t taken[] = {0, 1, 7, 20};
	const unsigned all = LIES * MEANWHILES * LIES * 2 * 4 * 2;
	uint64_t points = 0;

#ifdef __SANITIZE_THREAD__
	skip(); /* one thread, and a minute of it on a busy machine: the other builds run it */
#endif
	seed = 1;
	for (unsigned i = 0; i < all; i++) {
		unsigned n = i;
		struct known k;

		k.before = n % LIES, n /= LIES;
		k.meanwhile = n % MEANWHILES, n /= MEANWHILES;
		k.again = n % LIES, n /= LIES;
		k.is_at_start = n % 2, n /= 2;
		k.taken = taken[n % 4], n /= 4;
		k.is_liar_at_once = n % 2;
		/* Points that come one after the other differ little: these steps meet all of them.
		 */
		for (uint64_t point = 1 + i % POINT_STEP; play_known(*state, &k, point);
		     point += POINT_STEP)
			points++;
	}
	print_message("kept waiting at %llu points\n", (unsigned long long)points);
	assert_true(points > 10 * all / POINT_STEP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    bus_test(it_is_taken_once_whenever_the_reader_is_kept_waiting),
	    bus_test(what_is_published_is_taken_once_whatever_its_owners_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
