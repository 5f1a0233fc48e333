/*
 * days.c: sums over whole days, from daily files and from the days that the aggregator has open.
 *
 * A day has one period as a rule, more after a change of the time zone, and each counts for the day
 * of its label, which is that of its file's name. A day that the index of periods does not know may
 * have a file all the same, which somebody has copied there: its plain name is asked for.
 *
 * Which of the two holds a day's truth:
 *   - The period is open and has its base: the aggregator. Its version says when it has changed.
 *   - It is closed: its file holds all of it (periods.c: is_finished()). The entry's revision,
 * which grows with each opening and closing, says when the file must be read again; until that is
 * done, what was known before stands. A look a second may miss an opening, but not the revision.
 *   - It is open without its base, or is sealed: what was known before. Where nothing was, the
 * window is not known until the base has come or the period is closed.
 */
#include "days.h"
#include "base/wall_time.h"
#include "day_files.h"

#include <stdlib.h>
#include <string.h>

/* A label says the day of its period's start in some zone: entries are in the order of starts,
 * those of labels may be so many days off. */
#define ORDER_DAYS 4
/* Of a day without an entry in the index. */
#define NO_ENTRY UINT64_MAX

struct day {
	uint64_t start_ns; /* of its entry in the index; NO_ENTRY: it has none */
	uint32_t label, mark;
	int64_t number; /* of the label */
	char name[PERIOD_NAME_BYTES];
	uint32_t revision;       /* of the entry, that is known or asked for */
	uint64_t version;        /* of the open period, likewise; 0: it was closed */
	bool is_known;           /* `sums` are of some revision... */
	bool is_fresh;           /* ...and of this one */
	bool is_closed;          /* its file holds all of it */
	bool is_seen;            /* at this look */
	struct alert_sums *sums; /* by rule */
};

struct days {
	const struct alert_rules *rules;
	struct aggregator *aggregator;
	struct log *log;
	struct day_files *files;
	struct day *list;
	size_t count, capacity;
	unsigned generation; /* of the aggregator */
	uint64_t now_ns;     /* of the last look */
};

/* --- Windows ---------------------------------------------------------------------------------- */

unsigned alert_window_days_before(enum alert_window window)
{
	switch (window) {
	case ALERT_7D:
	case ALERT_WEEK: return 6;
	case ALERT_30D: return 29;
	case ALERT_MONTH: return 30;
	default: return 0;
	}
}

int64_t alert_window_first_day(const struct calendar *c, enum alert_window window, uint64_t now_ns)
{
	int64_t today = calendar_wall_day(c, now_ns);
	struct wall_time wall;

	switch (window) {
	case ALERT_7D:
	case ALERT_30D: return today - (int64_t)alert_window_days_before(window);
	case ALERT_WEEK: return today - (today + 3) % 7; /* 1970-01-01 was a Thursday */
	case ALERT_MONTH: wall_time_at(c->utc, now_ns, &wall); return today - (wall.day - 1);
	default: return today;
	}
}

static bool is_of_days(const struct alert_rule *r)
{
	return r->window >= ALERT_7D && r->window <= ALERT_MONTH;
}

/* INT64_MAX where no rule asks for days. */
static int64_t first_day_of_all(const struct days *d)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < d->rules->rule_count; i++) {
		const struct alert_rule *r = &d->rules->rules[i];
		int64_t day;

		if (!is_of_days(r))
			continue;
		day =
		    alert_window_first_day(&d->aggregator->periods.calendar, r->window, d->now_ns);
		first = day < first ? day : first;
	}
	return first;
}

/* --- The list --------------------------------------------------------------------------------- */

static struct day *find_day(const struct days *d, uint64_t start_ns, uint32_t label, uint32_t mark)
{
	for (size_t i = 0; i < d->count; i++) {
		struct day *day = &d->list[i];

		if (day->start_ns == start_ns && day->label == label && day->mark == mark)
			return day;
	}
	return NULL;
}

static struct day *new_day(
    struct days *d, uint64_t start_ns, const struct period_span *span, uint32_t revision)
{
	struct alert_sums *sums = calloc(d->rules->rule_count, sizeof(*sums));
	struct day *day;

	if (sums && d->count == d->capacity) {
		size_t capacity = d->capacity ? 2 * d->capacity : 32;
		struct day *list = realloc(d->list, capacity * sizeof(*list));

		if (list) {
			d->list = list;
			d->capacity = capacity;
		}
	}
	if (!sums || d->count == d->capacity) {
		free(sums);
		return NULL;
	}
	day = &d->list[d->count++];
	*day = (struct day){.start_ns = start_ns,
	    .label = span->label,
	    .mark = span->mark,
	    .number = calendar_label_day(span->label),
	    .revision = revision,
	    .is_closed = true,
	    .sums = sums};
	memcpy(day->name, span->name, sizeof(day->name));
	return day;
}

/* Those of days that the last look has not met. */
static void drop_unseen(struct days *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->count; i++) {
		if (d->list[i].is_seen)
			d->list[kept++] = d->list[i];
		else
			free(d->list[i].sums);
	}
	d->count = kept;
}

static void set_sums(const struct days *d, struct day *day, const struct aggregate *a)
{
	for (size_t i = 0; i < d->rules->rule_count; i++)
		if (is_of_days(&d->rules->rules[i]))
			alert_sums_add(&d->rules->rules[i], a, &day->sums[i]);
}

static void clear_sums(const struct days *d, struct day *day)
{
	memset(day->sums, 0, d->rules->rule_count * sizeof(*day->sums));
}

/* What it holds is in its section alone, and in its file. */
static bool is_in_file(const struct period *p)
{
	return p->sealed && period_is_whole(p) && p->written_complete &&
	       p->written_version == p->version;
}

static void look_at_open(const struct days *d, struct day *day, const struct period *p)
{
	day->is_closed = is_in_file(p);
	if (day->is_closed)
		return;
	if (!p->has_base || p->sealed) {
		day->is_fresh = false;
		return;
	}
	if (day->is_fresh && day->version == p->version)
		return;
	clear_sums(d, day);
	set_sums(d, day, &p->sum);
	if (p->news)
		set_sums(d, day, p->news);
	day->version = p->version;
	day->is_known = day->is_fresh = true;
}

/* False: out of memory. */
static bool look_at_entry(struct days *d, const struct period_entry *e)
{
	const struct period_index *ix = &d->aggregator->periods.index[PERIOD_DAILY];
	struct period_span span;
	struct day *day;

	period_index_span(ix, e, &span);
	day = find_day(d, e->start_ns, span.label, span.mark);
	if (!day)
		day = new_day(d, e->start_ns, &span, e->revision);
	if (!day)
		return false;
	day->is_seen = true;
	if (day->revision != e->revision) {
		day->revision = e->revision;
		day->is_fresh = false;
	}
	if (e->open)
		look_at_open(d, day, e->open);
	else
		day->is_closed = true;
	return true;
}

/* A day of which the index has no period: there is a file of its plain name, or nothing. */
static bool look_at_gap(struct days *d, int64_t number)
{
	struct period_span span = {
	    .kind = PERIOD_DAILY, .label = calendar_label_of(number * DAY_S)};
	struct day *day = find_day(d, NO_ENTRY, span.label, PERIOD_UNMARKED);

	calendar_name(&span);
	if (!day)
		day = new_day(d, NO_ENTRY, &span, 0);
	if (day)
		day->is_seen = true;
	return day != NULL;
}

static bool has_entry(const struct days *d, int64_t number)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->list[i].number == number && d->list[i].is_seen &&
		    d->list[i].start_ns != NO_ENTRY)
			return true;
	return false;
}

/* False: out of memory. */
static bool look_at_all(struct days *d, int64_t first, int64_t today)
{
	const struct period_index *ix = &d->aggregator->periods.index[PERIOD_DAILY];

	for (size_t i = ix->count; i > 0; i--) {
		const struct period_entry *e = &ix->entries[i - 1];
		int64_t number = calendar_label_day(calendar_label_of(e->wall));

		if (number < first - ORDER_DAYS)
			break;
		if (number >= first && number <= today && !look_at_entry(d, e))
			return false;
	}
	for (int64_t number = first; number <= today; number++)
		if (!has_entry(d, number) && !look_at_gap(d, number))
			return false;
	return true;
}

void days_look(struct days *d, uint64_t now_ns)
{
	int64_t first;

	if (d->generation != d->aggregator->generation)
		days_begin(d);
	d->now_ns = now_ns;
	first = first_day_of_all(d);
	if (first == INT64_MAX)
		return;
	for (size_t i = 0; i < d->count; i++)
		d->list[i].is_seen = false;
	/* Without memory what is known of some days would be taken for all of them. */
	if (!look_at_all(d, first, calendar_wall_day(&d->aggregator->periods.calendar, now_ns)))
		days_begin(d);
	else
		drop_unseen(d);
}

bool days_sum(const struct days *d, size_t rule, struct alert_sums *out)
{
	const struct calendar *c = &d->aggregator->periods.calendar;
	int64_t first = alert_window_first_day(c, d->rules->rules[rule].window, d->now_ns);

	*out = (struct alert_sums){0};
	for (size_t i = 0; i < d->count; i++) {
		const struct day *day = &d->list[i];

		if (day->number < first)
			continue;
		if (!day->is_known)
			return false;
		alert_sums_merge(out, &day->sums[rule]);
	}
	return d->count > 0;
}

/* --- Files ------------------------------------------------------------------------------------ */

/* The day that was asked for, unless its file may have been replaced since. */
static void take_file(
    void *context, const struct day_key *key, const struct aggregate *sum, const char *fault)
{
	struct days *d = context;
	struct day *day = find_day(d, key->start_ns, key->label, key->mark);

	if (!day || !day->is_closed || day->is_fresh || day->revision != key->revision)
		return;
	if (fault)
		log_error(d->log,
		    "%s %s: in alerts over several days it counts as nothing; if there is a copy of "
		    "it, put that in its place and send SIGHUP",
		    day->name, fault);
	clear_sums(d, day);
	if (sum)
		set_sums(d, day, sum);
	day->is_known = day->is_fresh = true;
	day->version = 0;
}

/* The newest first: they change rules most. */
static struct day *next_to_read(const struct days *d)
{
	struct day *next = NULL;

	for (size_t i = 0; i < d->count; i++) {
		struct day *day = &d->list[i];

		if (day->is_closed && !day->is_fresh && (!next || day->number > next->number))
			next = day;
	}
	return next;
}

void days_go_on(struct days *d)
{
	const struct day *day;

	day_files_go_on(d->files);
	if (!day_files_is_free(d->files))
		return;
	day = next_to_read(d);
	if (day)
		day_files_ask(d->files, day->name,
		    &(struct day_key){day->start_ns, day->label, day->mark, day->revision});
}

bool days_is_decoding(const struct days *d)
{
	return day_files_is_decoding(d->files);
}

/* --- The whole -------------------------------------------------------------------------------- */

struct days *days_new(const struct alert_rules *rules, struct aggregator *aggregator,
    struct store *const *store, struct log *log)
{
	struct days *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->rules = rules;
	d->aggregator = aggregator;
	d->log = log;
	d->files = day_files_new(store, log, take_file, d);
	if (d->files)
		return d;
	free(d);
	return NULL;
}

void days_begin(struct days *d)
{
	for (size_t i = 0; i < d->count; i++)
		free(d->list[i].sums);
	d->count = 0;
	d->generation = d->aggregator->generation;
	day_files_begin(d->files);
}

void days_free(struct days *d)
{
	if (!d)
		return;
	days_begin(d);
	day_files_free(d->files);
	free(d->list);
	free(d);
}
