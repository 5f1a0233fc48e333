/*
 * snapshot.c: metrics_....json, all that was counted since the agent started, written on demand.
 */
#include "snapshot.h"
#include "agent/store/store.h"

#include <string.h>

#define FILE_MODE 0600

static void stored(void *context, const struct store_result *r)
{
	struct log *log = context;

	if (r->error)
		log_error(log, "could not %s %s: %s", store_step_name(r->step), r->name,
		    strerror(-r->error));
	else
		log_info(log, "wrote %s", r->name);
}

void snapshot_write(const struct document_sources *documents, const struct folder *folder,
    struct store *store, uint64_t now_ns)
{
	char name[PERIOD_NAME_BYTES];
	size_t length;
	char *text = document_since_start(documents, now_ns, &length);

	calendar_snapshot_name(&folder->calendar, now_ns, name);
	if (!text || store_put(store, name, text, length, FILE_MODE, stored, folder->log) < 0)
		log_error(folder->log, "could not write %s: out of memory", name);
}
