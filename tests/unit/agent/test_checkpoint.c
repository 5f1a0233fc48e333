/*
 * test_checkpoint.c: the checkpoint holds all of the aggregator, and damage to it is noticed.
 */
#include "agent/persist/checkpoint_section.h"
#include "base/clock.h"
#include "checkpoint_bytes.h"
#include "doc/doc_read.h"
#include "document_tree.h"
#include "sample/sample.h"
#include "stats/aggregate_bytes.h"
#include "testing.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW (UINT64_C(1764001800) * NS_PER_SECOND)

static const struct calendar utc = {true, 1};

static void fill(struct aggregator *l)
{
	struct sample_origin origin = {.lane = 3, .epoch = 7};
	struct orbus_sample s;

	assert_int_equal(aggregator_init(l, &utc, 30, NOW), 0);
	orbus_sample_init(&s);
	s.ts = NOW - NS_PER_SECOND;
	s.bot = "acore";
	s.model = "m";
	s.response_ms = 3450.25;
	s.prompt_tokens = 10;
	aggregator_add(l, &s, &origin, NOW);
	s.ts = NOW - 86400 * NS_PER_SECOND; /* yesterday */
	aggregator_add(l, &s, &origin, NOW);
	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_BEGIN;
	s.request_id = "r1";
	s.bot = "acore";
	s.requested_model = "m";
	aggregator_add(l, &s, &origin, NOW);
	aggregator_add_losses(l, 4, 2, NOW);
	aggregator_fold(l, NOW);
	for (struct period *p = l->periods.first; p; p = p->next)
		assert_true(period_set_base(p, NULL, NULL));
}

static void encode(const struct aggregator *l, char **bytes, size_t *length)
{
	uint64_t positions[] = {5, 0, 77};
	uint64_t counts[] = {INT64_MAX, 0, 9};
	struct checkpoint_bus bus = {.lane_count = 3, .positions = positions, .counts = counts};

	memset(bus.bus_id, 0xab, sizeof(bus.bus_id));
	checkpoint_boot_id(bus.boot_id);
	assert_int_equal(checkpoint_bytes(l, &bus, NOW, bytes, length), 0);
}

static void count_one(void *context, const struct orbus_sample *begin)
{
	assert_string_equal(begin->request_id, "r1");
	assert_string_equal(begin->requested_model, "m");
	++*(int *)context;
}

static void everything_is_restored(void **state)
{
	const struct inflight_outcome dead = {.epoch = 7, .is_dead = true};
	struct aggregator l, back;
	struct checkpoint_bus bus;
	char *bytes, *again;
	size_t length, length_again;
	int orphans = 0;

	(void)state;
	fill(&l);
	assert_int_equal(l.periods.count, 4);
	encode(&l, &bytes, &length);
	assert_int_equal(aggregator_init(&back, &utc, 30, NOW + 5), 0);
	assert_int_equal(checkpoint_restore(bytes, length, 0, &back, &bus), 0);
	assert_int_equal(bus.lane_count, 3);
	assert_int_equal(bus.positions[2], 77);
	assert_int_equal(bus.counts[0], INT64_MAX);
	assert_int_equal(bus.counts[2], 9);
	assert_int_equal(bus.bus_id[0], 0xab);
	assert_int_equal(back.periods.count, 4);
	assert_int_equal(back.lifetime.requests.total, 2);
	assert_int_equal(back.lifetime.lost, 4);
	assert_int_equal(back.lifetime_since_ns, NOW);
	assert_int_equal(periods_at(&back.periods, PERIOD_DAILY, NOW)->sum.requests.total, 1);
	assert_int_equal(periods_at(&back.periods, PERIOD_DAILY, NOW)->sum.rejected, 2);
	/* Saved again, it is the same to the byte. */
	encode(&back, &again, &length_again);
	assert_int_equal(length, length_again);
	inflight_reap(back.inflight, 3, &dead, count_one, &orphans);
	assert_int_equal(orphans, 1);
	free(bytes);
	free(again);
	checkpoint_bus_free(&bus);
	aggregator_free(&l);
	aggregator_free(&back);
}

/* Its file is one, by both ways of reading it. */
static void assert_period_is_read(const struct period *p)
{
	const struct document_context c = {
	    .period_kind = "hourly", .end_ns = p->span.end_ns, .restorable = true};
	struct document_period period;
	struct aggregate by_scan, by_tree;
	struct text_writer t;
	size_t length;
	char *text;
	json_t *tree;

	text_writer_init(&t);
	document_write(&t.writer, NULL, &p->sum, &c);
	text = text_writer_take(&t, &length);
	aggregate_init(&by_scan);
	aggregate_init(&by_tree);
	assert_int_equal(
	    document_from_text(text, length, DOCUMENT_ALL, &period, NULL, &by_scan), 0);
	tree = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(document_to_aggregate(tree, &by_tree, NULL), 0);
	assert_int_equal(by_scan.requests.total, p->sum.requests.total);
	assert_int_equal(by_tree.requests.total, p->sum.requests.total);
	aggregate_free(&by_scan);
	aggregate_free(&by_tree);
	json_decref(tree);
	free(text);
}

/* Any sample that is valid, however broken who published it. */
static void add_extreme(struct aggregator *l, unsigned *seed)
{
	static const double figures[] = {0, 5e-324, 1e-320, 1, 1e19, 1.5e308, DBL_MAX};
	static const uint64_t counts[] = {0, 1, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 1};
	static const char *const names[] = {
	    "messages_processed", "commands_executed", "x_cache_hits", "work"};
	const struct sample_origin origin = {.lane = 3, .epoch = 7};
	struct orbus_sample s;
	char id[16];

#define PICK(list) list[(unsigned)rand_r(seed) % (sizeof(list) / sizeof((list)[0]))]
	orbus_sample_init(&s);
	s.kind = (enum orbus_kind)((unsigned)rand_r(seed) % 4);
	s.ts = PICK(counts);
	s.model = "m";
	s.response_ms = PICK(figures);
	s.ttft_ms = PICK(figures);
	s.cost_usd = PICK(figures);
	s.prompt_tokens = PICK(counts);
	s.completion_tokens = PICK(counts);
	s.name = PICK(names);
	s.value = PICK(figures);
	snprintf(id, sizeof(id), "%d", rand_r(seed) % 1000);
	s.request_id = id;
#undef PICK
	assert_int_equal(sample_validate(&s), 0);
	aggregator_add(l, &s, &origin, NOW);
}

static void whatever_was_published_can_be_restored(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct aggregator l, back;
		struct checkpoint_bus bus;
		char *bytes;
		size_t length;

		assert_int_equal(aggregator_init(&l, &utc, 0, NOW), 0);
		for (int i = 0; i < 1 << round % 8; i++)
			add_extreme(&l, &seed);
		aggregator_fold(&l, NOW);
		assert_false(l.out_of_memory);
		encode(&l, &bytes, &length);
		assert_int_equal(aggregator_init(&back, &utc, 0, NOW), 0);
		assert_int_equal(checkpoint_restore(bytes, length, 0, &back, &bus), 0);
		assert_int_equal(back.lifetime.requests.total, l.lifetime.requests.total);
		for (const struct period *p = l.periods.first; p; p = p->next)
			assert_period_is_read(p);
		free(bytes);
		checkpoint_bus_free(&bus);
		aggregator_free(&l);
		aggregator_free(&back);
	}
}

static void another_calendar_goes_on_with_open_periods(void **state)
{
	static const struct calendar two_hours = {true, 2};
	struct aggregator l, back;
	struct checkpoint_bus bus;
	char *bytes;
	size_t length;

	(void)state;
	fill(&l); /* at 16:29:59 and a day before; 16 is the start of two hours too */
	aggregator_add_losses(&l, 1, 0, NOW + 3600 * NS_PER_SECOND);
	aggregator_fold(&l, NOW);
	encode(&l, &bytes, &length);
	assert_int_equal(aggregator_init(&back, &two_hours, 30, NOW), 0);
	assert_int_equal(checkpoint_restore(bytes, length, 0, &back, &bus), 0);
	assert_int_equal(back.periods.count, 5);
	/* The hours of 16 and 17 go on, as long as they last; then come two hours, from 18. */
	assert_int_equal(periods_at(&back.periods, PERIOD_HOURLY, NOW)->sum.requests.total, 1);
	assert_int_equal(
	    periods_at(&back.periods, PERIOD_HOURLY, NOW)->span.end_ns, NOW + 1800 * NS_PER_SECOND);
	assert_int_equal(
	    periods_at(&back.periods, PERIOD_HOURLY, NOW + 3600 * NS_PER_SECOND)->sum.lost, 1);
	assert_int_equal(
	    periods_at(&back.periods, PERIOD_HOURLY, NOW + 5400 * NS_PER_SECOND)->span.end_ns,
	    NOW + (5400 + 7200) * NS_PER_SECOND);
	assert_int_equal(back.periods.count, 6);
	free(bytes);
	checkpoint_bus_free(&bus);
	aggregator_free(&l);
	aggregator_free(&back);
}

/* Messages of an hour stay in it where clocks show another one, and come no second time. */
static void trends_follow_the_zone(void **state)
{
	static const char *const zones[] = {"UTC", "America/New_York", "Asia/Tokyo", "UTC"};
	const struct calendar local = {false, 1};
	const struct sample_origin origin = {.lane = 1};
	struct checkpoint_bus bus;
	struct orbus_sample s;
	struct aggregator l, back;
	struct trends trends;
	char *bytes;
	size_t length;

	(void)state;
	setenv("TZ", zones[0], 1);
	tzset();
	assert_int_equal(aggregator_init(&l, &local, 0, NOW), 0);
	for (uint64_t ago = 0; ago < 3; ago++) {
		orbus_sample_init(&s);
		s.kind = ORBUS_KIND_COUNT;
		s.name = "messages_processed";
		s.value = 10 + (double)ago;
		s.ts = NOW - ago * 3600 * NS_PER_SECOND;
		aggregator_add(&l, &s, &origin, NOW);
	}
	for (size_t i = 1; i < sizeof(zones) / sizeof(zones[0]); i++) {
		aggregator_fold(&l, NOW);
		encode(&l, &bytes, &length);
		setenv("TZ", zones[i], 1);
		tzset();
		assert_int_equal(aggregator_init(&back, &local, 0, NOW), 0);
		assert_int_equal(checkpoint_restore(bytes, length, 0, &back, &bus), 0);
		free(bytes);
		checkpoint_bus_free(&bus);
		aggregator_free(&l);
		l = back;
		aggregator_fold(&l, NOW);
		memset(&trends, 0, sizeof(trends));
		assert_true(trend_hours_get(&l.hours, calendar_wall_hour(&local, NOW), &trends));
		assert_int_equal(trends.hours, 2);
		assert_int_equal(trends.messages[0], 12);
		assert_int_equal(trends.messages[1], 11);
		assert_int_equal(trends.current_messages, 10);
	}
	aggregator_free(&l);
}

static int decode(const char *bytes, size_t length)
{
	struct aggregator l;
	struct checkpoint_bus bus;
	int err;

	assert_int_equal(aggregator_init(&l, &utc, 30, NOW), 0);
	err = checkpoint_restore(bytes, length, 0, &l, &bus);
	checkpoint_bus_free(&bus);
	aggregator_free(&l);
	return err;
}

static void damage_is_noticed(void **state)
{
	struct aggregator l;
	char *bytes;
	size_t length;

	(void)state;
	fill(&l);
	encode(&l, &bytes, &length);
	assert_int_equal(decode(bytes, 0), -EBADMSG);
	for (size_t i = 0; i < length; i += 61)
		assert_int_equal(decode(bytes, i), -EBADMSG);
	for (size_t i = 16; i < length; i += 37) {
		bytes[i] ^= 0x10;
		assert_int_equal(decode(bytes, length), -EBADMSG);
		bytes[i] ^= 0x10;
	}
	bytes[8] = 4;
	assert_int_equal(decode(bytes, length), -EPROTONOSUPPORT);
	free(bytes);
	aggregator_free(&l);
}

static char *read_artefact(const char *name, size_t *length)
{
	const char *source = getenv("ORBUS_SOURCE_DIR");
	char path[4096], *bytes = malloc(1 << 20);
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/support/artefacts/%s", source ? source : ".", name);
	f = fopen(path, "re");
	assert_non_null(f);
	*length = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	return bytes;
}

/* As agents wrote it before checkpoints were compressed. */
static void version_1_is_read(void **state)
{
	size_t length;
	char *bytes = read_artefact("state-1", &length);
	struct aggregator l;
	struct checkpoint_bus bus;

	(void)state;
	assert_int_equal(aggregator_init(&l, &utc, 0, NOW), 0);
	assert_int_equal(checkpoint_restore(bytes, length, NOW, &l, &bus), 0);
	assert_int_equal(l.lifetime.requests.total, 3);
	assert_int_equal(l.periods.count, 2);
	for (const struct period *p = l.periods.first; p; p = p->next) {
		assert_true(p->has_base);
		assert_int_equal(p->sum.requests.total, 3);
		assert_int_equal(p->sum.by_model.count, 3);
		assert_int_equal(p->sum.gauges.count, 1);
	}
	checkpoint_bus_free(&bus);
	aggregator_free(&l);
	free(bytes);
}

static uint64_t failed_in(const struct period *p)
{
	return request_stats_failed(&p->sum.requests);
}

static void assert_bus_of_artefact(const struct checkpoint_bus *bus, bool is_on)
{
	assert_int_equal(bus->bus_id[15], 0xcd);
	assert_string_equal(bus->boot_id, "0a1b2c3d-0000-4000-8000-00000000abcd");
	assert_int_equal(bus->lane_count, 4);
	assert_int_equal(bus->positions[2], INT64_MAX);
	assert_int_equal(bus->counts[3], 7);
	assert_true(bus->journal.known);
	assert_int_equal(bus->journal.on, is_on);
	assert_int_equal(bus->journal.from[3], 4);
	assert_int_equal(bus->journal.file_count, 2);
	assert_int_equal(bus->journal.files[0].length, 1234);
	assert_int_equal(bus->journal.files[1].name.part, 1);
	if (is_on)
		assert_null(bus->journal.upto);
	else
		assert_int_equal(bus->journal.upto[3], 8);
}

/*
 * As agents wrote them before the reader took msgpack as it comes: version 2, and version 3 with
 * marked labels. With all that a checkpoint may hold: a late hour that was sealed and what came for
 * it, requests in flight, times that were given, a journal.
 */
static void versions_2_and_3_are_read(void **state)
{
	static const char *const files[] = {"state-2", "state-3"};
	const struct sample_origin given = {.lane = 2, .record = 17},
				   old = {.lane = 1, .record = 3};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct checkpoint_bus bus;
		struct aggregator l;
		struct trends trends;
		struct period *p;
		uint64_t time_ns;
		size_t length;
		char *bytes = read_artefact(files[i], &length);

		assert_int_equal(bytes[8], i + 2);
		assert_int_equal(aggregator_init(&l, &utc, 0, NOW), 0);
		assert_int_equal(checkpoint_restore(bytes, length, NOW, &l, &bus), 0);
		assert_bus_of_artefact(&bus, i == 1);
		assert_int_equal(bus.journal.files[0].name.mark != PERIOD_UNMARKED, i == 1);
		assert_int_equal(l.periods.count, 5);
		assert_int_equal(l.lifetime.requests.total, 6);
		assert_int_equal(l.lifetime.lost, 4);
		assert_int_equal(l.lifetime_since_ns, NOW);
		assert_int_equal(l.last_request_ns, NOW + NS_PER_SECOND);
		assert_int_equal(inflight_count(l.inflight), 2);
		assert_int_equal(given_times_of(l.given, &given, &time_ns), GIVEN_TIME);
		assert_int_equal(time_ns, NOW);
		assert_int_equal(given_times_of(l.given, &old, &time_ns), GIVEN_FORGOTTEN);
		assert_true(trend_hours_get(&l.hours, calendar_wall_hour(&utc, NOW), &trends));
		assert_int_equal(trends.current_messages, 12);
		p = periods_find(&l.periods, PERIOD_HOURLY, NOW);
		assert_int_equal(p->span.mark != PERIOD_UNMARKED, i == 1);
		assert_int_equal(p->sum.requests.total, 3);
		assert_int_equal(failed_in(p), 2);
		p = periods_find(&l.periods, PERIOD_HOURLY, NOW - 30 * 3600 * NS_PER_SECOND);
		assert_true(p->sealed && !period_is_whole(p));
		assert_int_equal(p->sum.requests.total, 1);
		checkpoint_bus_free(&bus);
		aggregator_free(&l);
		free(bytes);
	}
}

/* --- Memory that is refused ------------------------------------------------------------------- */

static long allowed = -1; /* allocations; fewer than 0: all */

static bool is_refused(void)
{
	return allowed >= 0 && allowed-- == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_refused() ? NULL : __real_realloc(old, size);
}

/* A sound checkpoint would be quarantined: each allocation of restoring is refused in turn. */
static void want_of_memory_is_not_damage(void **state)
{
	static const char *const files[] = {"state-1", "state-2", "state-3"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		size_t length;
		char *bytes = read_artefact(files[i], &length);
		long refused = 0;

		for (long n = 0;; n++) {
			struct checkpoint_bus bus;
			struct aggregator l;
			bool was_refused;
			int err;

			assert_int_equal(aggregator_init(&l, &utc, 0, NOW), 0);
			allowed = n;
			err = checkpoint_restore(bytes, length, 0, &l, &bus);
			was_refused = allowed < 0;
			allowed = -1;
			checkpoint_bus_free(&bus);
			aggregator_free(&l);
			if (!was_refused) {
				assert_int_equal(err, 0);
				break;
			}
			/* What could be shrunk stays as it is: that is no failure. */
			assert_true(err == 0 || err == -ENOMEM);
			refused += err == -ENOMEM;
		}
		assert_true(refused > 30);
		free(bytes);
	}
}

static void count_late(struct aggregator *l, uint64_t hours_ago, const char *model)
{
	const struct sample_origin origin = {.lane = 3, .epoch = 7};
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = NOW - hours_ago * 3600 * NS_PER_SECOND;
	s.model = model;
	s.response_ms = 10;
	aggregator_add(l, &s, &origin, NOW);
}

static void set_backfill(struct aggregator *l)
{
	for (struct period *p = l->periods.first; p; p = p->next)
		if (!p->has_base)
			assert_true(period_set_base(p, NULL, NULL));
}

/* A late period stays as it was in the file until a sample comes for it, through any restarts. */
static void late_periods_stay_sealed(void **state)
{
	bool too_large;
	struct aggregator first, second, third;
	struct checkpoint_bus bus;
	struct aggregate sum;
	struct trends trends;
	struct period *p, *q;
	size_t length, size;
	char *bytes, *text;

	(void)state;
	assert_int_equal(aggregator_init(&first, &utc, 0, NOW), 0);
	count_late(&first, 30, "m");
	count_late(&first, 0, "m");
	aggregator_fold(&first, NOW);
	set_backfill(&first);
	encode(&first, &bytes, &length);
	assert_int_equal(aggregator_init(&second, &utc, 0, NOW), 0);
	assert_int_equal(checkpoint_restore(bytes, length, NOW, &second, &bus), 0);
	free(bytes);
	checkpoint_bus_free(&bus);
	p = periods_find(&second.periods, PERIOD_HOURLY, NOW - 30 * 3600 * NS_PER_SECOND);
	assert_true(p->sealed && p->has_base && period_is_whole(p));
	assert_int_equal(p->sum.requests.total, 0);
	assert_false(periods_find(&second.periods, PERIOD_HOURLY, NOW)->sealed);
	assert_int_equal(periods_find(&second.periods, PERIOD_HOURLY, NOW)->sum.requests.total, 1);
	/* Its file and the next checkpoint have all of it. */
	text = checkpoint_section_text(p->section, p->section_size, &size, &too_large);
	assert_non_null(strstr(text, "\"total\": 1"));
	free(text);
	encode(&second, &bytes, &length);
	assert_int_equal(aggregator_init(&third, &utc, 0, NOW), 0);
	assert_int_equal(checkpoint_restore(bytes, length, 0, &third, &bus), 0);
	free(bytes);
	checkpoint_bus_free(&bus);
	p = periods_find(&third.periods, PERIOD_HOURLY, NOW - 30 * 3600 * NS_PER_SECOND);
	assert_int_equal(p->sum.requests.total, 1);
	/* A sample comes: it is not whole until the section is read. */
	count_late(&second, 30, "n");
	aggregator_fold(&second, NOW);
	p = periods_find(&second.periods, PERIOD_HOURLY, NOW - 30 * 3600 * NS_PER_SECOND);
	assert_false(period_is_whole(p) || period_needs_writing(p, NOW));
	/* Saved and restored like that, it has both parts, sealed again or not. */
	encode(&second, &bytes, &length);
	for (int sealed = 0; sealed < 2; sealed++) {
		aggregator_free(&third);
		assert_int_equal(aggregator_init(&third, &utc, 0, NOW), 0);
		assert_int_equal(
		    checkpoint_restore(bytes, length, sealed ? NOW : 0, &third, &bus), 0);
		checkpoint_bus_free(&bus);
		q = periods_find(&third.periods, PERIOD_HOURLY, NOW - 30 * 3600 * NS_PER_SECOND);
		assert_int_equal(q->sealed, sealed);
		assert_int_equal(period_is_whole(q), !sealed);
		assert_int_equal(q->sum.requests.total, sealed ? 1 : 2);
	}
	free(bytes);
	aggregate_init(&sum);
	assert_int_equal(checkpoint_section_read(p->section, p->section_size, &sum, &trends), 0);
	assert_true(period_set_base(p, &sum, &trends));
	p->sealed = false;
	assert_int_equal(p->sum.requests.total, 2);
	assert_int_equal(p->sum.by_model.count, 2);
	aggregate_free(&sum);
	aggregator_free(&first);
	aggregator_free(&second);
	aggregator_free(&third);
}

/* However many old hours: bounded, each sample in its hour and its day or rejected for both. */
static void late_periods_are_bounded(void **state)
{
	uint64_t counted = 0, rejected = 0, daily = 0;
	struct aggregator l;

	(void)state;
	assert_int_equal(aggregator_init(&l, &utc, 0, NOW), 0);
	for (uint64_t i = 0; i < 6000; i++)
		count_late(&l, i, "m");
	aggregator_fold(&l, NOW);
	periods_survey(&l.periods, NOW);
	assert_in_range(l.periods.late_count, PERIODS_LATE_MAX - 1, PERIODS_LATE_MAX);
	assert_true(l.periods.crowded);
	for (const struct period *p = l.periods.first; p; p = p->next) {
		if (p->span.kind == PERIOD_HOURLY)
			counted += p->sum.requests.total;
		else
			daily += p->sum.requests.total;
		rejected += p->span.kind == PERIOD_HOURLY ? p->sum.rejected : 0;
	}
	assert_int_equal(counted + rejected, 6000);
	assert_int_equal(daily, counted);
	assert_int_equal(l.lifetime.requests.total, counted);
	assert_int_equal(l.lifetime.rejected, rejected);
	assert_int_equal(rejected, l.crowded_out);
	/* Current samples always have a place. */
	count_late(&l, 0, "m");
	count_late(&l, 1, "m");
	aggregator_fold(&l, NOW);
	assert_int_equal(l.lifetime.requests.total, counted + 2);
	/* Room is made by those that have waited longest, a quarter of all. */
	periods_make_room(&l.periods, NOW);
	for (const struct period *p = l.periods.first; p; p = p->next)
		rejected -= p->leaving && rejected > 0;
	assert_false(l.periods.crowded);
	assert_int_equal(l.crowded_out - rejected, PERIODS_LATE_MAX / 4);
	aggregator_free(&l);
}

/* What an aggregate takes is known to some percent, also when it is counted delta by delta. */
static void memory_of_periods_is_known(void **state)
{
	struct aggregator l;
	const struct period *p;
	char model[32];

	(void)state;
	assert_int_equal(aggregator_init(&l, &utc, 0, NOW), 0);
	for (int i = 0; i < 1000; i++) {
		snprintf(model, sizeof(model), "model-%d", i % 300);
		count_late(&l, 30, model);
		aggregator_fold(&l, NOW);
	}
	p = periods_find(&l.periods, PERIOD_HOURLY, NOW - 30 * 3600 * NS_PER_SECOND);
	assert_int_equal(p->bytes, aggregate_bytes(&p->sum));
	assert_true(p->bytes > 256 * sizeof(struct request_stats));
	aggregator_free(&l);
}

static void time_is_judged_by_the_rules(void **state)
{
	struct sample_origin origin = {0};
	struct orbus_sample s;
	struct aggregator l;
	struct period *hour;

	(void)state;
	assert_int_equal(aggregator_init(&l, &utc, 30, NOW), 0);
	orbus_sample_init(&s);
	s.ts = NOW + 59 * NS_PER_SECOND;
	aggregator_add(&l, &s, &origin, NOW);
	s.ts = NOW + 3600 * NS_PER_SECOND; /* in the future: counts as now */
	aggregator_add(&l, &s, &origin, NOW);
	s.ts = NOW - 40 * 86400 * NS_PER_SECOND; /* older than the retention */
	aggregator_add(&l, &s, &origin, NOW);
	aggregator_fold(&l, NOW);
	hour = periods_at(&l.periods, PERIOD_HOURLY, NOW);
	assert_int_equal(hour->sum.requests.total, 2);
	assert_int_equal(hour->sum.skewed, 1);
	assert_int_equal(hour->sum.rejected, 1);
	assert_int_equal(l.periods.count, 2);
	aggregator_free(&l);
}

static void ends_are_paired_with_begins(void **state)
{
	struct sample_origin origin = {.lane = 1, .epoch = 2};
	struct orbus_sample s;
	struct aggregator l;

	(void)state;
	assert_int_equal(aggregator_init(&l, &utc, 30, NOW), 0);
	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_BEGIN;
	s.request_id = "a";
	aggregator_add(&l, &s, &origin, NOW);
	s.request_id = "b";
	aggregator_add(&l, &s, &origin, NOW);
	assert_int_equal(inflight_count(l.inflight), 2);
	s.kind = ORBUS_KIND_REQUEST;
	s.request_id = "gen-1";
	s.begin_id = "a";
	aggregator_add(&l, &s, &origin, NOW);
	assert_int_equal(inflight_count(l.inflight), 1);
	s.request_id = "b";
	s.begin_id = NULL;
	aggregator_add(&l, &s, &origin, NOW);
	assert_int_equal(inflight_count(l.inflight), 0);
	aggregator_free(&l);
}

/*
 * West of Greenwich the first hours of 1970 are still of 1969, negative in number: of a bot whose
 * clock is not set, the sample is rejected; of this machine's clock, the hours are kept and
 * restored.
 */
static void hours_before_1970_do_no_harm(void **state)
{
	static const uint64_t untold[] = {1, NS_PER_SECOND, 86399 * NS_PER_SECOND};
	const struct calendar local = {false, 1};
	const struct sample_origin origin = {.lane = 1};
	struct aggregator l, back;
	struct checkpoint_bus bus;
	struct trends trends, again;
	char *bytes;
	size_t length;

	(void)state;
	setenv("TZ", "America/New_York", 1);
	tzset();
	assert_int_equal(aggregator_init(&l, &local, 0, NOW), 0);
	for (size_t i = 0; i < sizeof(untold) / sizeof(untold[0]); i++) {
		struct orbus_sample s;

		orbus_sample_init(&s);
		s.ts = untold[i];
		aggregator_add(&l, &s, &origin, NOW);
	}
	aggregator_fold(&l, NOW);
	assert_int_equal(l.lifetime.requests.total, 0);
	assert_int_equal(l.lifetime.rejected, 3);
	assert_int_equal(l.periods.count, 2); /* those of now, which say what was rejected */
	aggregator_free(&l);

	/* A machine whose own clock starts there. */
	assert_int_equal(aggregator_init(&l, &local, 0, NS_PER_SECOND), 0);
	for (uint64_t hour = 0; hour < 8; hour++)
		aggregator_add_losses(&l, 1, 1, (hour * 3600 + 1) * NS_PER_SECOND);
	aggregator_fold(&l, 8 * 3600 * NS_PER_SECOND);
	assert_int_equal(l.hours.first, -5);
	assert_int_equal(l.hours.newest, 2);
	encode(&l, &bytes, &length);
	assert_int_equal(aggregator_init(&back, &local, 0, NS_PER_SECOND), 0);
	assert_int_equal(checkpoint_restore(bytes, length, 0, &back, &bus), 0);
	assert_int_equal(back.lifetime.lost, 8);
	assert_true(trend_hours_get(&l.hours, 1, &trends));
	assert_true(trend_hours_get(&back.hours, 1, &again));
	assert_memory_equal(&trends, &again, sizeof(trends));
	checkpoint_bus_free(&bus);
	free(bytes);
	aggregator_free(&l);
	aggregator_free(&back);
	unsetenv("TZ");
	tzset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hours_before_1970_do_no_harm),
	    cmocka_unit_test(everything_is_restored),
	    cmocka_unit_test(whatever_was_published_can_be_restored),
	    cmocka_unit_test(trends_follow_the_zone),
	    cmocka_unit_test(another_calendar_goes_on_with_open_periods),
	    cmocka_unit_test(damage_is_noticed),
	    cmocka_unit_test(version_1_is_read),
	    cmocka_unit_test(versions_2_and_3_are_read),
	    cmocka_unit_test(want_of_memory_is_not_damage),
	    cmocka_unit_test(late_periods_stay_sealed),
	    cmocka_unit_test(late_periods_are_bounded),
	    cmocka_unit_test(memory_of_periods_is_known),
	    cmocka_unit_test(time_is_judged_by_the_rules),
	    cmocka_unit_test(ends_are_paired_with_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
