/*
 * test_periods.c: which period holds a moment, whatever zones and widths came one after another.
 *
 * The property: agents of random calendars get random moments, close periods, restart from the
 * index. At any time the periods do not overlap, each moment is in one that holds it, that stays
 * the same for good, an hour lies in one day, and no two have one name.
 */
#include "agent/aggregate/periods.h"
#include "base/calendar.h"
#include "base/clock.h"
#include "base/file_name.h"
#include "testing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOUR    (3600 * NS_PER_SECOND)
#define MOMENTS 400

static const char *const zones[] = {"UTC", "America/New_York", "Asia/Kolkata", "Antarctica/Troll",
    "Pacific/Apia", "Europe/Berlin", "Pacific/Chatham", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Pacific/Kiritimati", "Pacific/Pago_Pago"};
static const unsigned widths[] = {1, 2, 3, 4, 6, 8, 12, 24};

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static uint64_t at(const char *rfc3339)
{
	uint64_t ns;

	assert_true(clock_parse_rfc3339(rfc3339, &ns));
	return ns;
}

/* As an agent of another calendar finds it: what was open is open again, or not. */
static void restart(struct periods *p, const struct calendar *c, bool reopens)
{
	struct periods next;
	struct msgpack_writer m;
	struct period *restored;
	size_t length;
	char *bytes;

	periods_init(&next, c);
	for (int kind = 0; kind < PERIOD_KINDS; kind++) {
		struct doc_source s;

		msgpack_writer_init(&m);
		period_index_write(&p->index[kind], &m.writer, NULL);
		bytes = msgpack_writer_take(&m, &length);
		doc_source_msgpack(&s, bytes, length);
		assert_int_equal(period_index_read(&next.index[kind], &s), 0);
		free(bytes);
	}
	for (const struct period *one = p->first; reopens && one; one = one->next)
		assert_int_equal(periods_restore(&next, &one->span, &restored), 0);
	assert_int_equal(next.unindexed, 0);
	periods_free(p);
	*p = next;
}

static void must_be_sound(const struct period_index *ix)
{
	for (size_t i = 0; i < ix->count; i++) {
		struct period_span span;
		struct file_name says;
		uint64_t start_ns, end_ns;

		period_index_span(ix, &ix->entries[i], &span);
		assert_true(span.start_ns < span.end_ns);
		if (i > 0)
			assert_true(ix->entries[i - 1].end_ns <= span.start_ns);
		assert_true(file_name_parse(span.name, &says));
		assert_int_equal(says.label, span.label);
		assert_int_equal(says.mark, span.mark);
		assert_ptr_equal(period_index_named(ix, span.label, span.mark), &ix->entries[i]);
		/* Readers that go by the name look where it is. */
		calendar_label_reach(ix->kind, span.label, span.mark, &start_ns, &end_ns);
		assert_true(start_ns <= span.start_ns && span.end_ns <= end_ns);
	}
}

/* The period of a moment, and that the hour is within the day. */
static void tell(struct periods *p, uint64_t ts, struct period_span out[PERIOD_KINDS])
{
	for (int kind = 0; kind < PERIOD_KINDS; kind++) {
		struct period *one = periods_at(p, (enum period_kind)kind, ts);

		assert_non_null(one);
		out[kind] = one->span;
		assert_true(out[kind].start_ns <= ts && ts < out[kind].end_ns);
	}
	assert_true(out[PERIOD_DAILY].start_ns <= out[PERIOD_HOURLY].start_ns);
	assert_true(out[PERIOD_HOURLY].end_ns <= out[PERIOD_DAILY].end_ns);
}

static void periods_stay_what_they_are(void **state)
{
	const uint64_t from = at("2026-03-20T00:00:00Z"), days = 400;
	static struct {
		uint64_t ts;
		struct period_span spans[PERIOD_KINDS];
	} told[MOMENTS];

	(void)state;
	for (uint64_t run = 1; run <= 60; run++) {
		struct calendar c = {false, 1};
		/* Much within a few days, or little within a year. */
		uint64_t stretch = (run % 2 ? 3 + run % 5 : days) * 24 * HOUR;
		uint64_t begin = from + (run * 7 % days) * 24 * HOUR;
		struct periods p;

		seed = run * UINT64_C(0x9E3779B97F4A7C15);
		periods_init(&p, &c);
		for (size_t i = 0; i < MOMENTS; i++) {
			size_t again;

			if (draw(12) == 0) {
				zone(zones[draw(sizeof(zones) / sizeof(zones[0]))]);
				c.utc = draw(4) == 0;
				c.hours = widths[draw(sizeof(widths) / sizeof(widths[0]))];
				restart(&p, &c, draw(2));
			}
			told[i].ts = begin + draw(stretch);
			tell(&p, told[i].ts, told[i].spans);
			again = draw(i + 1);
			for (int kind = 0; kind < PERIOD_KINDS; kind++) {
				struct period_span now;

				periods_span(&p, (enum period_kind)kind, told[again].ts, &now);
				assert_int_equal(now.start_ns, told[again].spans[kind].start_ns);
				assert_int_equal(now.end_ns, told[again].spans[kind].end_ns);
				assert_string_equal(now.name, told[again].spans[kind].name);
			}
		}
		for (int kind = 0; kind < PERIOD_KINDS; kind++)
			must_be_sound(&p.index[kind]);
		periods_free(&p);
	}
	zone("UTC");
}

/* In a zone that stays, files are named by what date(1) says, whatever its clocks do. */
static void names_of_one_zone_are_plain(void **state)
{
	(void)state;
	for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
		struct calendar c = {false, 1};
		struct periods p;
		struct period_span spans[PERIOD_KINDS];

		zone(zones[z]);
		for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
			c.hours = widths[w];
			periods_init(&p, &c);
			seed = 77 + w;
			for (int i = 0; i < 300; i++)
				tell(&p, at("2026-01-01T00:00:00Z") + draw(400 * 24 * HOUR), spans);
			for (int kind = 0; kind < PERIOD_KINDS; kind++)
				for (size_t i = 0; i < p.index[kind].count; i++)
					assert_int_equal(
					    p.index[kind].entries[i].mark, PERIOD_UNMARKED);
			must_be_sound(&p.index[PERIOD_HOURLY]);
			periods_free(&p);
		}
	}
	zone("UTC");
}

static void expect(struct periods *p, enum period_kind kind, const char *moment, const char *name,
    const char *start, const char *end)
{
	const struct period *one = periods_at(p, kind, at(moment));

	assert_string_equal(one->span.name, name);
	assert_int_equal(one->span.start_ns, at(start));
	assert_int_equal(one->span.end_ns, at(end));
}

static void a_taken_label_gets_its_offset(void **state)
{
	const struct calendar utc = {true, 1}, local = {false, 1}, six = {true, 6};
	struct periods p;

	(void)state;
	periods_init(&p, &utc);
	for (uint64_t hour = 0; hour <= 14; hour++)
		(void)periods_at(&p, PERIOD_HOURLY, at("2026-11-28T00:20:00Z") + hour * HOUR);
	zone("America/New_York");
	restart(&p, &local, true);
	expect(&p, PERIOD_HOURLY, "2026-11-28T14:59:59Z", "hourly_20261128_14.json",
	    "2026-11-28T14:00:00Z", "2026-11-28T15:00:00Z");
	expect(&p, PERIOD_HOURLY, "2026-11-28T15:00:00Z", "hourly_20261128_10-0500.json",
	    "2026-11-28T15:00:00Z", "2026-11-28T16:00:00Z");
	expect(&p, PERIOD_HOURLY, "2026-11-28T20:00:00Z", "hourly_20261128_15.json",
	    "2026-11-28T20:00:00Z", "2026-11-28T21:00:00Z");
	/* The day of UTC goes on to its end; then comes what is left of New York's. */
	expect(&p, PERIOD_DAILY, "2026-11-28T23:00:00Z", "daily_20261128.json",
	    "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z");
	expect(&p, PERIOD_DAILY, "2026-11-29T01:00:00Z", "daily_20261128-0500.json",
	    "2026-11-29T00:00:00Z", "2026-11-29T05:00:00Z");
	expect(&p, PERIOD_DAILY, "2026-11-29T05:00:00Z", "daily_20261129.json",
	    "2026-11-29T05:00:00Z", "2026-11-30T05:00:00Z");
	/* Half hours are cut to fit. */
	zone("Asia/Kolkata");
	restart(&p, &local, true);
	expect(&p, PERIOD_HOURLY, "2026-11-28T21:10:00Z", "hourly_20261129_02.json",
	    "2026-11-28T21:00:00Z", "2026-11-28T21:30:00Z");
	expect(&p, PERIOD_HOURLY, "2026-11-28T21:30:00Z", "hourly_20261129_03.json",
	    "2026-11-28T21:30:00Z", "2026-11-28T22:30:00Z");
	/* Six hours begin where what is there ends. */
	restart(&p, &six, true);
	expect(&p, PERIOD_HOURLY, "2026-11-28T23:00:00Z", "hourly_20261128_22.json",
	    "2026-11-28T22:30:00Z", "2026-11-29T00:00:00Z");
	expect(&p, PERIOD_HOURLY, "2026-11-29T00:00:00Z", "hourly_20261129_00.json",
	    "2026-11-29T00:00:00Z", "2026-11-29T05:00:00Z");
	periods_free(&p);
	zone("UTC");
}

/* Of the checkpoint's bytes, which a checksum guards alone. */
static void a_damaged_index_is_refused(void **state)
{
	static const char *const damaged[] = {"[1]", "[0,3600,1,0,0,3600]", "[0,0,1,0,0]",
	    "[0,-1,1,0,0]", "[-1,3600,1,0,0]", "[0,3600,0,0,0]", "[0,3600,65537,0,0]",
	    "[0,3600,1,999999999,0]", "[0,3600,1,0,1]", "[0,3600,1,0,-1]",
	    "[0,3600,1,0,4294967296]", "[9223372036854775807,3600,1,0,0]",
	    "[9223372036,180000,65536,9223372036,0]", "[3600,3600,1,3600,0,0,3600,1,0,0]",
	    "[0,3600,2,0,0,3600,3600,1,3600,0]", "{}", "1", "[0,3600,1,0,\"0\"]",
	    "[0,3600,1,0.5,0]", "[0,180001,1,0,0]"};

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct period_index ix = {.kind = PERIOD_HOURLY};
		struct doc_source s;

		doc_source_text(&s, damaged[i], strlen(damaged[i]));
		assert_int_equal(period_index_read(&ix, &s), -EBADMSG);
		period_index_free(&ix);
	}
}

/* However many: the oldest that are closed are forgotten, and nothing else. */
static void the_index_is_bounded(void **state)
{
	const struct calendar utc = {true, 1};
	uint64_t first = at("2000-01-01T00:00:00Z");
	struct period_span span;
	struct periods p;
	struct period *open;

	(void)state;
	periods_init(&p, &utc);
	open = periods_at(&p, PERIOD_HOURLY, first);
	for (uint64_t i = 1; i < PERIOD_INDEX_MAX + 10; i++) {
		calendar_span(&utc, PERIOD_HOURLY, first + i * HOUR, &span);
		assert_int_equal(period_index_add(&p.index[PERIOD_HOURLY], &span, NULL), 0);
	}
	assert_in_range(p.index[PERIOD_HOURLY].count, PERIOD_INDEX_MAX / 2, PERIOD_INDEX_MAX);
	assert_ptr_equal(periods_find(&p, PERIOD_HOURLY, first), open);
	assert_null(period_index_at(&p.index[PERIOD_HOURLY], first + HOUR));
	assert_non_null(period_index_at(&p.index[PERIOD_HOURLY], span.start_ns));
	assert_int_equal(period_index_add(&p.index[PERIOD_HOURLY], &span, NULL), -EEXIST);
	periods_forget(&p, calendar_label_day(span.label));
	assert_in_range(p.index[PERIOD_HOURLY].count, 2, 25);
	periods_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(periods_stay_what_they_are),
	    cmocka_unit_test(names_of_one_zone_are_plain),
	    cmocka_unit_test(a_taken_label_gets_its_offset),
	    cmocka_unit_test(a_damaged_index_is_refused),
	    cmocka_unit_test(the_index_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
