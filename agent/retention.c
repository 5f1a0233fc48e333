/*
 * retention.c: removes files that are older than they are to be kept.
 *
 * Only regular files with exactly the names that the agent gives, by the date in the name. Links,
 * folders and everything else are somebody else's.
 */
#include "agent.h"
#include "clock.h"

#include <string.h>

static void removed(void *context, const struct store_result *r)
{
	struct agent *a = context;

	complain(a->log, &a->retention_complaint, r->name, r);
	if (!r->error)
		log_debug(a->log, "removed %s", r->name);
}

static bool is_to_go(struct agent *a, const char *name, uint64_t now_ns)
{
	int64_t day;

	/* The folder is ours alone, so at the start such a file is a killed agent's. */
	if (store_is_temporary(name))
		return !a->temporaries_removed;
	return calendar_parse_name(name, &day) && ledger_is_expired(&a->ledger, day, now_ns);
}

static void listed(void *context, const struct store_result *r)
{
	struct agent *a = context;
	uint64_t now_ns = clock_realtime_ns();

	if (r->error) {
		complain(a->log, &a->retention_complaint, a->folder.path, r);
		a->retired_day = INT64_MIN;
		return;
	}
	for (char **name = r->names; *name; name++)
		if (is_to_go(a, *name, now_ns))
			(void)store_remove(a->store, *name, removed, a);
	a->temporaries_removed = true;
}

void retention_run(struct agent *a, uint64_t now_ns)
{
	int64_t today = calendar_wall_day(&a->ledger.periods.calendar, now_ns);

	if (a->retired_day == today)
		return;
	if (store_list(a->store, listed, a) == 0)
		a->retired_day = today;
}
