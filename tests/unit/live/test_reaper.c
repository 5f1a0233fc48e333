/*
 * test_reaper.c: finding dead producers, on a real ring: each request that was begun is ended,
 * orphaned or in flight, and one of these only. Handles of one process exclude each other as
 * processes do.
 */
#include "live/inflight.h"
#include "live/reaper.h"
#include "live/ring_mark.h"
#include "ring/layout.h"
#include "ring/shm_object.h"
#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LANES 4

/* The state of a reader of the bus. */
struct follower {
	struct orbus_reader *reader;
	struct inflight *inflight;
	struct reaper *reaper;
	uint32_t orphans, ends;
};

static struct follower follow(const char *bus, bool all_lanes)
{
	struct follower f = {.inflight = inflight_new(), .reaper = reaper_new(all_lanes)};

	assert_non_null(f.inflight);
	assert_non_null(f.reaper);
	assert_int_equal(orbus_reader_open(bus, &f.reader), 0);
	return f;
}

static void unfollow(struct follower *f)
{
	orbus_reader_close(f->reader);
	inflight_free(f->inflight);
	reaper_free(f->reaper);
}

/* Reads at most so many samples. */
static void read_some(struct follower *f, int most)
{
	struct orbus_sample s;

	for (int i = 0; i < most && orbus_reader_next(f->reader, &s) == 1; i++) {
		f->ends += s.kind == ORBUS_KIND_REQUEST;
		assert_true(inflight_note(f->inflight, reader_origin(f->reader), &s));
	}
}

static void read_rest(struct follower *f)
{
	struct ring_mark *end = ring_mark_take(f->reader);

	assert_non_null(end);
	while (!ring_mark_is_passed(end, f->reader))
		read_some(f, 1000);
	ring_mark_free(end);
}

static void look(struct follower *f)
{
	reaper_look(f->reaper, f->reader, f->inflight, UINT64_MAX);
}

static void count_orphan(void *context, const struct orbus_sample *begin)
{
	assert_non_null(begin->request_id);
	++*(uint32_t *)context;
}

static void settle(struct follower *f)
{
	reaper_settle(f->reaper, f->reader, f->inflight, UINT64_MAX, count_orphan, &f->orphans);
}

static void make_bus(const char *bus)
{
	struct orbus_create_options options = {.lanes = LANES, .slots = 64};

	assert_int_equal(orbus_create(bus, &options), 0);
}

static struct orbus_producer *bot(const char *bus)
{
	struct orbus_producer *p;

	assert_int_equal(orbus_producer_open(bus, "bot", &p), 0);
	return p;
}

static void publish(struct orbus_producer *p, enum orbus_kind kind, unsigned id)
{
	struct orbus_sample s;
	char text[16];

	orbus_sample_init(&s);
	s.kind = kind;
	snprintf(text, sizeof(text), "r%u", id);
	s.request_id = text;
	assert_int_equal(orbus_publish(p, &s), 0);
}

static void begin(struct orbus_producer *p, unsigned id)
{
	publish(p, ORBUS_KIND_BEGIN, id);
}

static void end(struct orbus_producer *p, unsigned id)
{
	publish(p, ORBUS_KIND_REQUEST, id);
}

/* A new bus, who follows it, and a bot whose request 1 is in flight, as the follower has read. */
static struct orbus_producer *bot_in_flight(const char *bus, struct follower *f)
{
	struct orbus_producer *p;

	make_bus(bus);
	*f = follow(bus, false);
	p = bot(bus);
	begin(p, 1);
	read_rest(f);
	return p;
}

/* --- One at a time ---------------------------------------------------------------------------- */

static void what_a_dead_process_began_is_orphaned(void **state)
{
	struct orbus_producer *p, *q;
	struct follower f;

	make_bus(*state);
	f = follow(*state, false);
	p = bot(*state);
	q = bot(*state);
	begin(p, 1);
	begin(p, 2);
	end(p, 2);
	begin(q, 3);
	read_rest(&f);
	look(&f);
	settle(&f);
	assert_int_equal(f.orphans, 0);
	orbus_producer_close(p);
	look(&f);
	settle(&f);
	assert_int_equal(f.orphans, 1);
	assert_int_equal(inflight_count(f.inflight), 1);
	look(&f);
	settle(&f);
	assert_int_equal(f.orphans, 1);
	orbus_producer_close(q);
	unfollow(&f);
}

static void an_end_published_just_before_the_death_is_seen(void **state)
{
	struct orbus_producer *p;
	struct follower f;

	p = bot_in_flight(*state, &f);
	end(p, 1);
	orbus_producer_close(p);
	look(&f);
	settle(&f); /* the end was not read yet */
	assert_int_equal(f.orphans, 0);
	assert_int_equal(reaper_pending(f.reaper), 1);
	read_rest(&f);
	settle(&f);
	assert_int_equal(f.orphans, 0);
	assert_int_equal(f.ends, 1);
	assert_int_equal(inflight_count(f.inflight), 0);
	assert_int_equal(reaper_pending(f.reaper), 0);
	unfollow(&f);
}

static void the_next_owner_is_not_taken_for_the_last(void **state)
{
	struct orbus_producer *p, *q;
	struct follower f;

	p = bot_in_flight(*state, &f);
	orbus_producer_close(p);
	look(&f); /* nobody has the lane */
	q = bot(*state);
	begin(q, 1);
	begin(q, 2);
	read_rest(&f);
	settle(&f);
	assert_int_equal(f.orphans, 1);
	assert_int_equal(inflight_count(f.inflight), 2);
	look(&f); /* it has its second owner now, who lives */
	settle(&f);
	assert_int_equal(f.orphans, 1);
	end(q, 1);
	read_rest(&f);
	assert_int_equal(inflight_count(f.inflight), 1);
	orbus_producer_close(q);
	unfollow(&f);
}

/* Each new owner claims the lane between looking and settling: the dead are still found. */
static void owners_that_come_and_go_do_not_hide_the_dead(void **state)
{
	struct orbus_producer *p = NULL;
	struct follower f;

	make_bus(*state);
	f = follow(*state, false);
	for (unsigned i = 0; i < 20; i++) {
		orbus_producer_close(p);
		p = bot(*state);
		begin(p, i);
		read_rest(&f);
		settle(&f);
		look(&f);
	}
	settle(&f);
	assert_int_equal(f.orphans, 19);
	assert_int_equal(inflight_count(f.inflight), 1);
	orbus_producer_close(p);
	unfollow(&f);
}

static void only_lanes_that_lost_samples_are_forgotten(void **state)
{
	struct orbus_producer *p, *q;
	struct follower f;
	uint32_t forgotten = 0;

	make_bus(*state);
	f = follow(*state, false);
	p = bot(*state);
	q = bot(*state);
	begin(p, 1);
	begin(q, 2);
	read_rest(&f);
	for (unsigned i = 0; i < 100; i++)
		end(p, 1000 + i);
	read_rest(&f);
	reaper_note_losses(f.reaper, f.reader, f.inflight, count_orphan, &forgotten);
	assert_int_equal(forgotten, 1);
	assert_int_equal(inflight_count(f.inflight), 1);
	/*
	 * Requests that p begins now are followed, although its lane lost samples once, as q's does
	 * now.
	 */
	begin(p, 3);
	for (unsigned i = 0; i < 100; i++)
		end(q, 1000 + i);
	read_rest(&f);
	reaper_note_losses(f.reaper, f.reader, f.inflight, count_orphan, &forgotten);
	assert_int_equal(forgotten, 2);
	assert_int_equal(inflight_count(f.inflight), 1);
	orbus_producer_close(p);
	look(&f);
	settle(&f);
	assert_int_equal(f.orphans, 1);
	orbus_producer_close(q);
	unfollow(&f);
}

/* The first lane of a ring that anybody may write. */
static struct lane_header *first_lane(const char *bus, struct ring_header **header)
{
	struct bus_paths paths;
	struct ring_header *h;
	int fd;

	assert_int_equal(bus_paths_resolve(bus, &paths), 0);
	fd = open(paths.ring, O_RDWR);
	assert_true(fd >= 0);
	h = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(h != MAP_FAILED);
	close(fd);
	*header = h;
	return (struct lane_header *)((char *)h + h->lanes_offset);
}

static void a_head_that_was_taken_back_is_not_waited_for(void **state)
{
	struct ring_header *header;
	struct orbus_producer *p;
	struct lane_header *lane;
	struct follower f;
	uint64_t head;

	p = bot_in_flight(*state, &f);
	orbus_producer_close(p);
	lane = first_lane(*state, &header);
	head = lane->head;
	lane->head = head + 1000;
	look(&f);
	lane->head = head;
	settle(&f);
	assert_int_equal(f.orphans, 0);
	look(&f);
	settle(&f);
	assert_int_equal(f.orphans, 1);
	munmap(header, 1 << 16);
	unfollow(&f);
}

static void a_head_that_is_never_reached_is_not_waited_for(void **state)
{
	struct ring_header *header;
	struct orbus_producer *p;
	struct lane_header *lane;
	struct follower f;
	int looks = 0;

	p = bot_in_flight(*state, &f);
	orbus_producer_close(p);
	lane = first_lane(*state, &header);
	lane->head += 1000;
	/* As for a reader that does not believe it. */
	for (; f.orphans == 0 && looks < 1000; looks++) {
		look(&f);
		settle(&f);
		usleep(100000);
	}
	assert_int_equal(f.orphans, 1);
	assert_in_range(looks, 15, 200);
	munmap(header, 1 << 16);
	unfollow(&f);
}

static void another_table_is_not_judged_by_old_notes(void **state)
{
	struct orbus_producer *p, *q;
	struct follower f;

	p = bot_in_flight(*state, &f);
	orbus_producer_close(p);
	look(&f); /* the first owner is dead */
	inflight_clear(f.inflight);
	q = bot(*state);
	begin(q, 2);
	read_rest(&f);
	settle(&f);
	assert_int_equal(f.orphans, 0);
	assert_int_equal(inflight_count(f.inflight), 1);
	orbus_producer_close(q);
	unfollow(&f);
}

static void another_bus_is_not_taken_for_the_first(void **state)
{
	struct orbus_producer *p, *q;
	struct follower f;
	uint8_t first[16];

	make_bus(*state);
	f = follow(*state, false);
	/* The reader looks for another bus each second, and the bot half a second later. */
	usleep(500000);
	memcpy(first, reader_bus_id(f.reader), sizeof(first));
	p = bot(*state);
	begin(p, 1);
	read_rest(&f);
	look(&f);
	settle(&f);
	bus_remove(*state);
	make_bus(*state);
	/* Its first lane has another epoch than that of the first bus. */
	orbus_producer_close(bot(*state));
	q = bot(*state);
	while (memcmp(first, reader_bus_id(f.reader), sizeof(first)) == 0)
		(void)orbus_reader_wait(f.reader, 100);
	/* Nothing is said of requests of the first bus by what the second one's lanes are. */
	look(&f);
	settle(&f);
	reaper_note_losses(f.reaper, f.reader, f.inflight, count_orphan, &f.orphans);
	assert_int_equal(f.orphans, 0);
	/* What still comes from there has lanes that are not those of now. */
	publish(p, ORBUS_KIND_REQUEST, 1);
	inflight_clear(f.inflight);
	begin(q, 1);
	read_rest(&f);
	read_some(&f, 2);
	assert_int_equal(f.ends, 1);
	assert_int_equal(inflight_count(f.inflight), 1);
	orbus_producer_close(q);
	look(&f);
	settle(&f);
	assert_int_equal(f.orphans, 1);
	orbus_producer_close(p);
	unfollow(&f);
}

static void a_look_has_a_budget(void **state)
{
	struct orbus_producer *bots[LANES];
	struct follower f;

	make_bus(*state);
	f = follow(*state, true);
	for (unsigned i = 0; i < LANES; i++) {
		bots[i] = bot(*state);
		begin(bots[i], i);
	}
	read_rest(&f);
	for (uint32_t i = 0; i < LANES; i++) {
		reaper_look(f.reaper, f.reader, f.inflight, 0);
		assert_int_equal(reaper_pending(f.reaper), i + 1);
	}
	assert_int_equal(reaper_owned_lanes(f.reaper), LANES);
	settle(&f);
	assert_int_equal(reaper_pending(f.reaper), 0);
	/* The round is over, and the next one is not due yet. */
	reaper_look(f.reaper, f.reader, f.inflight, 0);
	reaper_look(f.reaper, f.reader, f.inflight, 0);
	assert_int_equal(reaper_pending(f.reaper), 0);
	for (unsigned i = 0; i < LANES; i++)
		orbus_producer_close(bots[i]);
	look(&f);
	assert_int_equal(reaper_owned_lanes(f.reaper), 0);
	unfollow(&f);
}

/* --- At random -------------------------------------------------------------------------------- */

#define BOTS 3
#define KEPT 8 /* requests that a bot has in flight at most */

struct random_bot {
	struct orbus_producer *producer;
	unsigned begun[KEPT], count;
};

static uint64_t seed;

static unsigned any(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % below;
}

/* One step of a bot's life: the requests that die with it. */
static unsigned live(const char *bus, struct random_bot *b, unsigned *id)
{
	unsigned died = 0;

	if (!b->producer) {
		b->producer = bot(bus);
		b->count = 0;
	} else if (any(6) == 0) {
		died = b->count;
		orbus_producer_close(b->producer);
		b->producer = NULL;
		b->count = 0;
	} else if (b->count < KEPT && any(2)) {
		b->begun[b->count++] = *id;
		begin(b->producer, (*id)++);
	} else if (b->count > 0) {
		end(b->producer, b->begun[--b->count]);
	}
	return died;
}

/* Publishing, reading, looking and settling in any order: in the end the numbers agree. */
static void whatever_happens_the_books_balance(void **state)
{
	for (uint64_t run = 0; run < 40; run++) {
		struct random_bot bots[BOTS] = {0};
		unsigned id = 0, died = 0, living = 0;
		struct follower f;

		seed = run;
		make_bus(*state);
		f = follow(*state, run % 2);
		for (int i = 0; i < 400; i++) {
			died += live(*state, &bots[any(BOTS)], &id);
			switch (any(5)) {
			case 0: read_some(&f, (int)any(4)); break;
			case 1: reaper_look(f.reaper, f.reader, f.inflight, 0); break;
			case 2: look(&f); break;
			case 3: settle(&f); break;
			default: break;
			}
			/* Nothing is to be lost: that has a test of its own. */
			if (i % 16 == 0)
				read_rest(&f);
			assert_true(f.orphans <= died);
		}
		/* Once for a note that was waiting, once for what came after it. */
		for (int i = 0; i < 2; i++) {
			read_rest(&f);
			look(&f);
			settle(&f);
		}
		for (int i = 0; i < BOTS; i++)
			living += bots[i].producer ? bots[i].count : 0;
		assert_int_equal(orbus_reader_lost(f.reader), 0);
		assert_int_equal(f.orphans, died);
		assert_int_equal(inflight_count(f.inflight), living);
		assert_int_equal(f.ends + died + living, id);
		for (int i = 0; i < BOTS; i++)
			orbus_producer_close(bots[i].producer);
		unfollow(&f);
		bus_remove(*state);
	}
}

/* --- Marks ------------------------------------------------------------------------------------ */

static void a_mark_is_passed_whatever_comes_after_it(void **state)
{
	struct ring_header *header;
	struct orbus_producer *p;
	struct lane_header *lane;
	struct ring_mark *mark;
	struct follower f;
	int read = 0;

	make_bus(*state);
	f = follow(*state, false);
	mark = ring_mark_take(f.reader);
	assert_true(ring_mark_is_passed(mark, f.reader));
	ring_mark_free(mark);
	p = bot(*state);
	for (unsigned i = 0; i < 10; i++)
		end(p, i);
	mark = ring_mark_take(f.reader);
	while (!ring_mark_is_passed(mark, f.reader)) {
		end(p, 100); /* as a caller that never pauses */
		read_some(&f, 1);
		read++;
	}
	assert_int_equal(read, 10);
	ring_mark_free(mark);
	lane = first_lane(*state, &header);
	lane->head += 5;
	mark = ring_mark_take(f.reader);
	lane->head -= 5;
	assert_true(ring_mark_is_passed(mark, f.reader));
	ring_mark_free(mark);
	munmap(header, 1 << 16);
	orbus_producer_close(p);
	unfollow(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    bus_test(what_a_dead_process_began_is_orphaned),
	    bus_test(an_end_published_just_before_the_death_is_seen),
	    bus_test(the_next_owner_is_not_taken_for_the_last),
	    bus_test(owners_that_come_and_go_do_not_hide_the_dead),
	    bus_test(only_lanes_that_lost_samples_are_forgotten),
	    bus_test(a_head_that_was_taken_back_is_not_waited_for),
	    bus_test(a_head_that_is_never_reached_is_not_waited_for),
	    bus_test(another_table_is_not_judged_by_old_notes),
	    bus_test(another_bus_is_not_taken_for_the_first),
	    bus_test(a_look_has_a_budget),
	    bus_test(whatever_happens_the_books_balance),
	    bus_test(a_mark_is_passed_whatever_comes_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
