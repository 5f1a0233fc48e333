/*
 * save_due.c: when the next save is due.
 *
 * Nothing makes saves more frequent or longer because samples are late: a late period's file waits
 * (period_file_is_due()), and a save writes only so many of them.
 */
#include "save_due.h"
#include "base/clock.h"

#define BACKOFF_MAX_S 60
/* A save waits no longer for the files that periods are opened with. */
#define BACKFILL_NS NS_PER_SECOND

bool save_due_has_news(const struct save_due *d, uint64_t now_ns, bool at_once)
{
	uint64_t monotonic_ns = at_once ? UINT64_MAX : clock_monotonic_ns();

	if (d->aggregator->changes != d->saved_changes ||
	    journal_wants_checkpoint(d->journal, now_ns))
		return true;
	for (const struct period *p = d->aggregator->periods.first; p; p = p->next)
		if (period_file_is_due(p, now_ns, monotonic_ns))
			return true;
	return false;
}

/*
 * A period has ended, or has begun: its file should not wait for the next checkpoint. One that was
 * over when it was opened can wait: no reader knows of its file yet.
 */
static bool is_urgent(const struct save_due *d, uint64_t now_ns)
{
	if (journal_is_urgent(d->journal))
		return true;
	for (const struct period *p = d->aggregator->periods.first; p; p = p->next) {
		bool over = period_is_over(p, now_ns), is_written = p->written_version > 0;

		if (p->has_base && is_written == over && (over ? !p->written_complete : true))
			return true;
	}
	return false;
}

bool save_due_is_now(const struct save_due *d, uint64_t now_ns, bool at_once)
{
	if (!save_due_has_news(d, now_ns, at_once))
		return false;
	return at_once || clock_monotonic_ns() >= d->next_ns ||
	       (d->backoff_seconds == 0 && is_urgent(d, now_ns));
}

bool save_due_must_wait(struct save_due *d, uint64_t now_ns, bool at_once)
{
	uint64_t monotonic_ns = clock_monotonic_ns();

	if (!backfill_missing(d->backfill, now_ns, at_once)) {
		d->waiting_since_ns = 0;
		return false;
	}
	if (d->waiting_since_ns == 0)
		d->waiting_since_ns = monotonic_ns;
	return monotonic_ns - d->waiting_since_ns < BACKFILL_NS;
}

void save_due_ended(struct save_due *d, uint64_t changes, bool failed, bool is_short_of_room)
{
	uint64_t wait = is_short_of_room ? 1 : d->checkpoint_seconds;

	if (failed) {
		d->backoff_seconds = d->backoff_seconds ? 2 * d->backoff_seconds : 1;
		if (d->backoff_seconds > BACKOFF_MAX_S)
			d->backoff_seconds = BACKOFF_MAX_S;
		wait = d->backoff_seconds;
	} else {
		d->backoff_seconds = 0;
		d->saved_changes = changes;
	}
	d->next_ns = clock_monotonic_ns() + wait * NS_PER_SECOND;
}
