/*
 * retention.c: removes files that are older than they are to be kept, and at the start what a
 * killed agent left half-written.
 *
 * Only regular files with exactly the names that the agent gives, by the date in the name. Links,
 * folders and everything else are left alone. Whether a date is old enough is judged by the
 * confirmed time (trusted_clock.h), never by the wall clock alone: removing is the one thing that
 * no restart repairs.
 *
 * The store goes through the folder in steps that wait behind everything else; none is begun while
 * a save is under way or the agent is to stop. What is left is done at the next start.
 */
#include "retention.h"
#include "agent/common/quarantine.h"
#include "agent/common/run_time.h"
#include "agent/store/read.h"
#include "agent/store/store.h"
#include "agent/store/temporary.h"
#include "base/clock.h"
#include "base/file_name.h"
#include "trusted_clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLOCK_NAME ".clock"
#define FILE_MODE  0600
#define LOOK_NS    NS_PER_SECOND
#define STORE_NS   (600 * NS_PER_SECOND)
#define RETRY_NS   (60 * NS_PER_SECOND)
/* For what is too old, and still open. */
#define OPEN_NS    (5 * NS_PER_SECOND)
#define NAMES_SAID 10
#define NEVER      INT64_MIN

/* What a sweep removes. The store's thread reads it while a step of the sweep runs. */
struct retention_order {
	bool left_behind;                 /* temporaries of killed agents */
	int64_t before_day;               /* files of days before this one, */
	char (*kept)[JOURNAL_NAME_BYTES]; /* but for these, which are in use */
	size_t kept_count;
};

struct retention {
	struct retention_sources from;
	struct log *log;
	struct log_once last_error;
	struct trusted_clock clock;
	uint64_t look_next_ns;  /* CLOCK_MONOTONIC, as the others */
	uint64_t store_next_ns; /* the clock's record */
	uint64_t pass_next_ns;
	struct retention_order order;
	bool in_pass, in_step; /* going through the folder; the store has a step of that */
	bool cleaned;          /* there was a pass: no temporaries are left */
	int64_t done_day;      /* `before_day` of the last whole pass */
	size_t removed;        /* in this pass */
};

/* --- The clock -------------------------------------------------------------------------------- */

static void read_clocks(const struct retention *r, struct clock_look *out)
{
	struct timespec t;

	memset(out, 0, sizeof(*out));
	out->wall_ns = clock_realtime_ns();
	if (clock_gettime(CLOCK_BOOTTIME, &t) == 0)
		out->boot_ns = (uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_nsec;
	strcpy(out->boot_id, r->from.boot_id);
}

static void say_stepped(struct retention *r, bool same_boot)
{
	const struct trusted_clock *c = &r->clock;
	char shown[RFC3339_BYTES], expected[RFC3339_BYTES];

	clock_format_rfc3339_local(c->last.wall_ns, r->from.config->utc, shown);
	if (!c->confirmed) {
		log_write(r->log, same_boot ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
		    "the clock was set to %s: no file is removed for its age before it has run on "
		    "for 24 hours without a step",
		    shown);
		return;
	}
	clock_format_rfc3339_local(c->confirmed_ns, r->from.config->utc, expected);
	/* Between two boots it is as a rule the time that the machine was off. */
	log_write(r->log, same_boot ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
	    "the clock shows %s, where %s is confirmed: files are removed only when they are too old "
	    "by both, until the clock has run on for 24 hours without a step",
	    shown, expected);
}

static void say_news(struct retention *r, enum clock_news news, bool same_boot)
{
	if (r->from.config->retention_days == 0)
		return;
	switch (news) {
	case CLOCK_AS_BEFORE: break;
	case CLOCK_BEGUN:
		log_info(r->log, "no time is confirmed for this folder yet: no file is removed for "
				 "its age before the clock has run on for 24 hours without a step");
		break;
	case CLOCK_STEPPED: say_stepped(r, same_boot); break;
	case CLOCK_RETURNED: log_info(r->log, "the clock shows what is confirmed again"); break;
	case CLOCK_SETTLED:
		log_info(r->log,
		    "the clock has run on for 24 hours without a step: files are removed "
		    "by it");
		break;
	}
}

/* Samples are too old by the same time: after a step none is refused that was fine before it. */
static void look(struct retention *r)
{
	struct clock_look now;
	enum clock_news news;
	bool same_boot;

	read_clocks(r, &now);
	same_boot = strcmp(r->clock.last.boot_id, now.boot_id) == 0;
	news = trusted_clock_look(&r->clock, &now);
	say_news(r, news, same_boot);
	if (news != CLOCK_AS_BEFORE)
		r->store_next_ns = 0;
	r->from.aggregator->reference_ns = trusted_clock_reference_ns(&r->clock);
}

static void clock_stored(void *context, const struct store_result *result)
{
	struct retention *r = context;

	log_once(r->log, &r->last_error, CLOCK_NAME, store_step_name(result->step), result->error);
}

static void store_clock(struct retention *r, uint64_t monotonic_ns)
{
	char *text;
	size_t length;

	if (monotonic_ns < r->store_next_ns)
		return;
	r->store_next_ns = monotonic_ns + STORE_NS;
	text = malloc(TRUSTED_CLOCK_BYTES);
	length = text ? trusted_clock_encode(&r->clock, text) : 0;
	if (length > 0)
		(void)store_put(
		    *r->from.store, CLOCK_NAME, text, length, FILE_MODE, clock_stored, r);
	else
		free(text);
}

static int read_record(struct retention *r)
{
	char *text;
	size_t length;
	int err = store_read_file(
	    r->from.folder->fd, CLOCK_NAME, TRUSTED_CLOCK_BYTES - 1, &text, &length);

	r->done_day = NEVER;
	/* What is damaged, or no file of ours, confirms nothing, and is replaced. */
	if (!err && !trusted_clock_decode(text, &r->clock))
		log_warning(r->log, "%s/%s is damaged: beginning a new one", r->from.folder->path,
		    CLOCK_NAME);
	free(text);
	if (err && err != -ENOENT && !store_is_foreign(err)) {
		report_unreadable(r->from.folder, CLOCK_NAME, err);
		return -EIO;
	}
	look(r);
	return 0;
}

/* --- The files -------------------------------------------------------------------------------- */

static_assert(JOURNAL_NAME_BYTES >= PERIOD_NAME_BYTES, "an order keeps names of both");

/* In the store's thread. */
static bool is_wanted(const void *order, const char *name)
{
	const struct retention_order *o = order;
	struct file_name says;

	if (store_is_temporary(name))
		return o->left_behind && store_is_left_behind(name);
	if (!file_name_parse(name, &says) || says.day >= o->before_day)
		return false;
	for (size_t i = 0; i < o->kept_count; i++)
		if (strcmp(o->kept[i], name) == 0)
			return false;
	return true;
}

static bool keep(struct retention_order *o, const char *name)
{
	char(*larger)[sizeof(*o->kept)];
	struct file_name says;

	if (!file_name_parse(name, &says) || says.day >= o->before_day)
		return true;
	if ((o->kept_count & (o->kept_count - 1)) == 0) {
		larger = realloc(o->kept, 2 * (o->kept_count + 1) * sizeof(*larger));
		if (!larger)
			return false;
		o->kept = larger;
	}
	strcpy(o->kept[o->kept_count++], name);
	return true;
}

/* Open files are still written to, so their date does not count. */
static bool keep_what_is_open(struct retention *r)
{
	struct retention_order *o = &r->order;
	const struct journal_file *f = NULL;
	const char *name;
	bool kept = true;

	o->kept_count = 0;
	for (const struct period *p = r->from.aggregator->periods.first; kept && p; p = p->next)
		kept = keep(o, p->span.name);
	while (kept && (name = journal_next_name(r->from.journal, &f)))
		kept = keep(o, name);
	return kept;
}

/* Files of days before this one are too old by both clocks. NEVER: none is. */
static int64_t before_day(const struct retention *r)
{
	uint64_t time_ns = trusted_clock_ns(&r->clock);

	if (r->from.config->retention_days == 0 || time_ns == 0)
		return NEVER;
	return calendar_wall_day(&r->from.aggregator->periods.calendar, time_ns) -
	       r->from.config->retention_days;
}

static bool is_due(const struct retention *r)
{
	return !r->cleaned || before_day(r) > r->done_day;
}

bool retention_has_more(const struct retention *r)
{
	return *r->from.store && (r->in_pass || is_due(r)) &&
	       clock_monotonic_ns() >= r->pass_next_ns;
}

static void say_removed(struct retention *r, const struct store_result *result)
{
	for (size_t i = 0; result->names[i] && r->removed + i < NAMES_SAID; i++)
		log_info(r->log, "removed %s: it was %s", result->names[i],
		    store_is_temporary(result->names[i]) ? "left half-written"
							 : "older than --retention-days");
	r->removed += result->removed;
	if (!result->more && r->removed > NAMES_SAID)
		log_info(r->log, "removed %zu more of them", r->removed - NAMES_SAID);
}

static void swept(void *context, const struct store_result *result)
{
	struct retention *r = context;

	r->in_step = false;
	say_removed(r, result);
	log_once(r->log, &r->last_error,
	    result->step == STORE_STEP_REMOVE ? result->name : r->from.folder->path,
	    store_step_name(result->step), result->error);
	if (result->more)
		return;
	r->in_pass = false;
	if (result->error && result->step != STORE_STEP_REMOVE) {
		r->pass_next_ns = clock_monotonic_ns() + RETRY_NS;
		return;
	}
	r->cleaned = true;
	if (r->order.before_day != NEVER)
		periods_forget(&r->from.aggregator->periods, r->order.before_day);
	/* What was too old and open is looked for again: it is closed at the next save. */
	if (r->order.kept_count > 0)
		r->pass_next_ns = clock_monotonic_ns() + OPEN_NS;
	else
		r->done_day = r->order.before_day;
}

/* `order` is not touched while the store has a step: its thread reads it. */
static void begin_pass(struct retention *r)
{
	r->order.left_behind = !r->cleaned;
	r->order.before_day = before_day(r);
	r->removed = 0;
	r->in_pass = keep_what_is_open(r);
	if (!r->in_pass)
		r->pass_next_ns = clock_monotonic_ns() + RETRY_NS;
}

void retention_run(struct retention *r, bool may_remove)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (monotonic_ns >= r->look_next_ns) {
		r->look_next_ns = monotonic_ns + LOOK_NS;
		look(r);
	}
	store_clock(r, monotonic_ns);
	if (r->in_step || !may_remove || agent_stop || !retention_has_more(r))
		return;
	if (!r->in_pass)
		begin_pass(r);
	if (r->in_pass)
		r->in_step = store_sweep(*r->from.store, is_wanted, &r->order, swept, r) == 0;
}

int retention_open(const struct retention_sources *sources, struct log *log, struct retention **out)
{
	struct retention *r = *out = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->from = *sources;
	r->log = log;
	return read_record(r);
}

void retention_close(struct retention *r)
{
	if (r)
		free(r->order.kept);
	free(r);
}
