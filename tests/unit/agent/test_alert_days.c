/*
 * test_alert_days.c: sums of whole days, for alerts over a week or a month.
 *
 * The property: whatever comes for whichever day, while periods are opened, written, closed and
 * taken over by another agent, the sums are those of all requests of the window's days.
 */
#include "agent/alerts/days.h"
#include "agent/store/store.h"
#include "base/clock.h"
#include "doc/doc_read.h"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HOUR  (3600 * NS_PER_SECOND)
#define DAY   (24 * HOUR)
#define NANO  1e-9
#define DAYS  (60 * 366)
#define TURNS 64

static const char rules_text[] = "cost 7d > 5\ncost 30d > 5\ncost week > 5\ncost month > 5\n"
				 "requests month > 5 model=a* bot=b\ncost today > 5\n";
enum rule { RULE_7D, RULE_30D, RULE_WEEK, RULE_MONTH, RULE_FILTERED, RULES };

struct fixture {
	char path[64];
	int dirfd;
	struct store *store;
	struct log *log;
	struct alert_rules rules;
	struct calendar calendar;
	struct aggregator aggregator;
	struct days *days;
	uint64_t now_ns;
	/* By the day's number since 1970: what all requests came to, in nano-dollars; and how many
	 * are of the rule with two filters. */
	uint64_t cost[DAYS], filtered[DAYS];
};

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

static void begin_days(struct fixture *f)
{
	f->days = days_new(&f->rules, &f->aggregator, &f->store, f->log);
	assert_non_null(f->days);
}

static struct fixture *open_fixture(const char *tz, const char *now)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char error[512];
	int refused;

	zone(tz);
	assert_non_null(f);
	strcpy(f->path, "/tmp/orbus-days-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->dirfd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->log = log_open(LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	assert_int_equal(store_open(STORE_IO_POSIX, f->dirfd, -1, &f->store, &refused), 0);
	assert_int_equal(
	    alert_rules_parse(rules_text, strlen(rules_text), &f->rules, error, sizeof(error)), 0);
	f->now_ns = at(now);
	f->calendar = (struct calendar){false, 1};
	assert_int_equal(aggregator_init(&f->aggregator, &f->calendar, 0, f->now_ns), 0);
	begin_days(f);
	return f;
}

static void close_fixture(struct fixture *f)
{
	char command[128];

	assert_true(store_close(f->store, 20000));
	days_free(f->days);
	aggregator_free(&f->aggregator);
	alert_rules_free(&f->rules);
	log_close(f->log);
	close(f->dirfd);
	snprintf(command, sizeof(command), "rm -r %s", f->path);
	assert_int_equal(system(command), 0);
	free(f);
}

/* --- What the agent's other parts do, in short --------------------------------------------------
 */

static void add(struct fixture *f, uint64_t ts_ns, uint64_t nano_dollars, const char *model)
{
	const struct sample_origin origin = {.lane = 1, .record = 1};
	int64_t day = calendar_wall_day(&f->calendar, ts_ns);
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.ts = ts_ns;
	s.bot = "b";
	s.model = model;
	s.cost_usd = (double)nano_dollars * NANO;
	aggregator_add(&f->aggregator, &s, &origin, f->now_ns);
	aggregator_fold(&f->aggregator, f->now_ns);
	assert_false(f->aggregator.out_of_memory);
	f->cost[day] += nano_dollars;
	f->filtered[day] += model[0] == 'a';
}

static void write_text(const struct fixture *f, const char *name, const char *text, size_t length)
{
	int fd = openat(f->dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	close(fd);
}

static void give_base(const struct fixture *f, struct period *p)
{
	char *text = calloc(1, 4 << 20);
	struct aggregate base;
	int fd;

	if (!p->has_base) {
		aggregate_init(&base);
		fd = openat(f->dirfd, p->span.name, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			ssize_t n = read(fd, text, 4 << 20);

			assert_true(n > 0);
			close(fd);
			assert_int_equal(
			    document_from_text(text, (size_t)n, DOCUMENT_ALL, NULL, NULL, &base),
			    0);
		}
		assert_true(period_set_base(p, &base, NULL));
		aggregate_free(&base);
	}
	free(text);
}

static void write_file(const struct fixture *f, struct period *p)
{
	const struct document_context context = {
	    .period_kind = p->span.kind == PERIOD_DAILY ? "daily" : "hourly",
	    .start_ns = p->span.start_ns,
	    .end_ns = p->span.end_ns,
	    .complete = period_is_over(p, f->now_ns),
	    .restorable = true};
	json_t *o = document_from_aggregate(&p->sum, &context);
	char *text = json_dumps(o, JSON_COMPACT);

	assert_non_null(text);
	write_text(f, p->span.name, text, strlen(text));
	period_written(p, p->version, context.complete);
	free(text);
	json_decref(o);
}

static void save(struct fixture *f, bool closes)
{
	for (struct period *p = f->aggregator.periods.first; p; p = p->next) {
		give_base(f, p);
		write_file(f, p);
		p->leaving = closes;
	}
	periods_close_finished(&f->aggregator.periods, f->now_ns);
}

/* Another agent takes over: the index of closed periods, and nothing else. */
static void restart(struct fixture *f)
{
	struct aggregator next;

	save(f, true);
	assert_int_equal(aggregator_init(&next, &f->calendar, 0, f->now_ns), 0);
	for (int kind = 0; kind < PERIOD_KINDS; kind++) {
		const struct period_index *ix = &f->aggregator.periods.index[kind];

		for (size_t i = 0; i < ix->count; i++) {
			struct period_span span;

			period_index_span(ix, &ix->entries[i], &span);
			assert_int_equal(
			    period_index_add(&next.periods.index[kind], &span, NULL), 0);
		}
	}
	days_free(f->days);
	aggregator_free(&f->aggregator);
	f->aggregator = next;
	begin_days(f);
}

/* Looks at days that are open with their base, and reads files of the others. */
static void look(struct fixture *f)
{
	assert_non_null(periods_at(&f->aggregator.periods, PERIOD_DAILY, f->now_ns));
	for (struct period *p = f->aggregator.periods.first; p; p = p->next)
		give_base(f, p);
	for (int i = 0; i < TURNS; i++) {
		days_look(f->days, f->now_ns);
		days_go_on(f->days);
		(void)store_flush(f->store, 20000);
	}
	for (int i = 0; i < 2000; i++) { /* for a worker that decodes */
		struct alert_sums s;

		days_go_on(f->days);
		(void)store_flush(f->store, 20000);
		if (days_sum(f->days, RULE_30D, &s) && days_sum(f->days, RULE_MONTH, &s))
			return;
		usleep(1000);
	}
}

/* --- What is expected ---------------------------------------------------------------------------
 */

/* By the C library's calendar: how far back the window reaches. */
static int64_t first_of(enum rule rule, int64_t today)
{
	time_t seconds = today * 86400;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	switch (rule) {
	case RULE_7D: return today - 6;
	case RULE_30D: return today - 29;
	case RULE_WEEK: return today - (tm.tm_wday == 0 ? 6 : tm.tm_wday - 1);
	default: return today - (tm.tm_mday - 1);
	}
}

static void must_be_exact(const struct fixture *f)
{
	int64_t today = calendar_wall_day(&f->calendar, f->now_ns);

	for (int rule = 0; rule < RULES; rule++) {
		uint64_t cost = 0, filtered = 0;
		struct alert_sums s;

		for (int64_t day = first_of((enum rule)rule, today); day <= today; day++) {
			cost += f->cost[day];
			filtered += f->filtered[day];
		}
		assert_true(days_sum(f->days, (size_t)rule, &s));
		if (rule == RULE_FILTERED)
			assert_int_equal(s.total, filtered);
		else
			assert_true(s.cost.units == (exact_units)cost * 1000);
	}
}

/* --- Tests --------------------------------------------------------------------------------------
 */

static void windows_of_days_begin_where_the_calendar_says(void **state)
{
	static const struct {
		const char *zone, *now;
		enum alert_window window;
		const char *first; /* noon of it, in UTC */
	} cases[] = {
	    {"UTC", "2026-11-29T12:00:00Z", ALERT_TODAY, "2026-11-29T12:00:00Z"},
	    {"UTC", "2026-11-29T12:00:00Z", ALERT_7D, "2026-11-23T12:00:00Z"},
	    {"UTC", "2026-11-29T12:00:00Z", ALERT_30D, "2026-10-31T12:00:00Z"},
	    /* A Sunday, its last second, and the Monday's first. */
	    {"UTC", "2026-11-29T23:59:59Z", ALERT_WEEK, "2026-11-23T12:00:00Z"},
	    {"UTC", "2026-11-30T00:00:00Z", ALERT_WEEK, "2026-11-30T12:00:00Z"},
	    {"UTC", "2026-12-06T23:59:59.999999999Z", ALERT_WEEK, "2026-11-30T12:00:00Z"},
	    /* A week over the turn of a year. */
	    {"UTC", "2027-01-03T10:00:00Z", ALERT_WEEK, "2026-12-28T12:00:00Z"},
	    /* Months of 30, 31, 28 and 29 days. */
	    {"UTC", "2026-11-30T23:59:59Z", ALERT_MONTH, "2026-11-01T12:00:00Z"},
	    {"UTC", "2026-12-01T00:00:00Z", ALERT_MONTH, "2026-12-01T12:00:00Z"},
	    {"UTC", "2026-12-31T23:59:59Z", ALERT_MONTH, "2026-12-01T12:00:00Z"},
	    {"UTC", "2026-02-28T23:59:59Z", ALERT_MONTH, "2026-02-01T12:00:00Z"},
	    {"UTC", "2028-02-29T23:59:59Z", ALERT_MONTH, "2028-02-01T12:00:00Z"},
	    {"UTC", "2028-03-01T00:00:00Z", ALERT_MONTH, "2028-03-01T12:00:00Z"},
	    {"UTC", "2028-03-01T00:00:00Z", ALERT_7D, "2028-02-24T12:00:00Z"},
	    /* Midnight is the zone's. */
	    {"America/New_York", "2026-12-01T04:59:59Z", ALERT_MONTH, "2026-11-01T12:00:00Z"},
	    {"America/New_York", "2026-12-01T05:00:00Z", ALERT_MONTH, "2026-12-01T12:00:00Z"},
	    {"Pacific/Kiritimati", "2026-11-29T10:00:00Z", ALERT_WEEK, "2026-11-30T12:00:00Z"},
	    /* Days of 25 and of 23 hours are days. */
	    {"America/New_York", "2026-11-02T04:59:59Z", ALERT_7D, "2026-10-26T12:00:00Z"},
	    {"America/New_York", "2026-11-02T05:00:00Z", ALERT_7D, "2026-10-27T12:00:00Z"},
	    {"America/New_York", "2026-03-09T03:59:59Z", ALERT_7D, "2026-03-02T12:00:00Z"},
	    {"America/New_York", "2026-03-09T04:00:00Z", ALERT_7D, "2026-03-03T12:00:00Z"},
	};
	const struct calendar utc = {true, 1}, local = {false, 1};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		zone(cases[i].zone);
		if (alert_window_first_day(&local, cases[i].window, at(cases[i].now)) !=
		    calendar_wall_day(&utc, at(cases[i].first)))
			fail_msg("case %zu: %s of %s", i, alert_window_name(cases[i].window),
			    cases[i].now);
	}
}

static void turn_random(struct fixture *f)
{
	static const char *const models[] = {"a1", "a2", "x"};
	int64_t today;

	switch (draw(8)) {
	case 0: f->now_ns += draw(3 * DAY); break;
	case 1: save(f, draw(2)); break;
	case 2: restart(f); break;
	case 3: /* to the second of a midnight, or the one before it */
		today = calendar_wall_day(&f->calendar, f->now_ns);
		f->now_ns += HOUR;
		while (calendar_wall_day(&f->calendar, f->now_ns) == today)
			f->now_ns += HOUR;
		f->now_ns -= f->now_ns % HOUR + draw(2) * NS_PER_SECOND;
		break;
	case 4: /* a clock that was set back */ f->now_ns -= draw(3 * DAY); break;
	default:
		for (uint64_t i = draw(4); i > 0; i--)
			add(f, f->now_ns - draw(draw(4) ? DAY : 36 * DAY), draw(1000000000000),
			    models[draw(3)]);
	}
}

static void sums_are_those_of_all_requests_whatever_happens(void **state)
{
	static const char *const zones[] = {
	    "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"};

	(void)state;
	for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
		struct fixture *f = open_fixture(zones[z], "2026-10-20T10:00:00Z");

		seed = 88172645463325252u + z;
		for (int i = 0; i < 80; i++) {
			for (uint64_t n = draw(3); n > 0; n--)
				turn_random(f);
			look(f);
			must_be_exact(f);
		}
		close_fixture(f);
	}
}

/* Between filtered looks a day may be opened, changed, written and closed: its file is read again.
 */
static void a_day_that_changed_unseen_is_read_again(void **state)
{
	struct fixture *f = open_fixture("UTC", "2026-11-20T10:00:00Z");

	(void)state;
	add(f, f->now_ns - 2 * DAY, 5, "a");
	save(f, true);
	look(f);
	must_be_exact(f);
	add(f, f->now_ns - 2 * DAY, 7, "a");
	save(f, true);
	look(f);
	must_be_exact(f);
	/* Seen while it was open, and changed once more before it was closed. */
	add(f, f->now_ns - 2 * DAY, 11, "a");
	save(f, false);
	look(f);
	add(f, f->now_ns - 2 * DAY, 13, "a");
	save(f, true);
	look(f);
	must_be_exact(f);
	close_fixture(f);
}

/* What a late sample's day held before stands until its file has been read. */
static void an_open_day_without_its_file_is_as_it_was(void **state)
{
	struct fixture *f = open_fixture("UTC", "2026-11-20T10:00:00Z");
	struct alert_sums s;

	(void)state;
	add(f, f->now_ns - 2 * DAY, 5, "a");
	restart(f);
	days_look(f->days, f->now_ns);
	assert_false(days_sum(f->days, RULE_7D, &s));
	look(f);
	add(f, f->now_ns - 2 * DAY, 7, "a");
	days_look(f->days, f->now_ns);
	assert_true(days_sum(f->days, RULE_7D, &s));
	assert_int_equal(s.cost.units, 5000);
	save(f, false);
	days_look(f->days, f->now_ns);
	must_be_exact(f);
	close_fixture(f);
}

/* A day that an earlier agent had open, and that nothing has come for: it is in no sum, but in its
 * file, once this agent has written that. */
static void a_sealed_day_is_read_from_its_file(void **state)
{
	struct fixture *f = open_fixture("UTC", "2026-11-20T10:00:00Z");
	struct period *p;
	struct alert_sums s;

	(void)state;
	add(f, f->now_ns - 2 * DAY, 5, "a");
	restart(f);
	p = periods_at(&f->aggregator.periods, PERIOD_DAILY, f->now_ns - 2 * DAY);
	assert_non_null(p);
	p->sealed = p->has_base = true;
	p->section_version = p->version;
	look(f);
	assert_false(days_sum(f->days, RULE_7D, &s));
	period_written(p, p->version, true);
	look(f);
	must_be_exact(f);
	/* Something comes, and is added to what it held. */
	add(f, f->now_ns - 2 * DAY, 7, "a");
	days_look(f->days, f->now_ns);
	assert_true(days_sum(f->days, RULE_7D, &s));
	assert_int_equal(s.cost.units, 5000);
	p->sealed = p->has_base = false;
	look(f);
	must_be_exact(f);
	close_fixture(f);
}

static void a_file_is_read_once(void **state)
{
	struct fixture *f = open_fixture("UTC", "2026-11-20T10:00:00Z");
	struct alert_sums s;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		add(f, f->now_ns - i * DAY, 5, "a");
	restart(f);
	look(f);
	must_be_exact(f);
	/* They are gone, which nobody is told of. */
	for (struct period_entry *e = f->aggregator.periods.index[PERIOD_DAILY].entries,
				 *end = e + 20;
	     e < end; e++) {
		struct period_span span;

		period_index_span(&f->aggregator.periods.index[PERIOD_DAILY], e, &span);
		assert_int_equal(unlinkat(f->dirfd, span.name, 0), 0);
	}
	look(f);
	must_be_exact(f);
	/* Other rules are another matter. */
	days_begin(f->days);
	look(f);
	assert_true(days_sum(f->days, RULE_30D, &s));
	assert_int_equal(s.total, 1); /* of today, which is open */
	close_fixture(f);
}

/* A day's file that an agent never saw, as somebody has copied it there. */
static void a_file_that_the_index_does_not_know_counts(void **state)
{
	struct fixture *f = open_fixture("UTC", "2026-11-20T10:00:00Z");

	(void)state;
	add(f, f->now_ns - 3 * DAY, 5, "a");
	add(f, f->now_ns - 4 * DAY, 6, "a");
	save(f, true);
	periods_forget(&f->aggregator.periods, INT64_MAX);
	look(f);
	must_be_exact(f);
	close_fixture(f);
}

static void a_damaged_file_counts_as_nothing_and_a_large_one_in_full(void **state)
{
	struct fixture *f = open_fixture("UTC", "2026-11-20T10:00:00Z");
	char model[16], text[512] = "";
	int err = dup(STDERR_FILENO), log[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(log), 0);
	for (int i = 0; i < 200; i++) {
		snprintf(model, sizeof(model), "a%d", i);
		add(f, f->now_ns - DAY, 5, model);
	}
	add(f, f->now_ns - 2 * DAY, 6, "a");
	add(f, f->now_ns - 3 * DAY, 7, "a");
	restart(f);
	write_text(f, "daily_20261118.json", "{\"period\": 5}", 13);
	assert_int_equal(unlinkat(f->dirfd, "daily_20261117.json", 0), 0);
	assert_int_equal(mkdirat(f->dirfd, "daily_20261117.json", 0700), 0);
	f->cost[calendar_wall_day(&f->calendar, f->now_ns) - 2] = 0;
	f->filtered[calendar_wall_day(&f->calendar, f->now_ns) - 2] = 0;
	f->cost[calendar_wall_day(&f->calendar, f->now_ns) - 3] = 0;
	f->filtered[calendar_wall_day(&f->calendar, f->now_ns) - 3] = 0;
	assert_true(dup2(log[1], STDERR_FILENO) >= 0);
	look(f);
	assert_true(dup2(err, STDERR_FILENO) >= 0);
	must_be_exact(f);
	n = read(log[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	assert_non_null(strstr(text, "daily_20261118.json is damaged or not ours"));
	assert_non_null(strstr(text, "daily_20261117.json is a folder"));
	close(log[0]);
	close(log[1]);
	close(err);
	close_fixture(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(windows_of_days_begin_where_the_calendar_says),
	    cmocka_unit_test(sums_are_those_of_all_requests_whatever_happens),
	    cmocka_unit_test(a_day_that_changed_unseen_is_read_again),
	    cmocka_unit_test(an_open_day_without_its_file_is_as_it_was),
	    cmocka_unit_test(a_sealed_day_is_read_from_its_file),
	    cmocka_unit_test(a_file_is_read_once),
	    cmocka_unit_test(a_file_that_the_index_does_not_know_counts),
	    cmocka_unit_test(a_damaged_file_counts_as_nothing_and_a_large_one_in_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
