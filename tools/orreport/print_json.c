/*
 * print_json.c: reports as JSON, with the keys of the agent's files.
 */
#include "print_json.h"
#include "base/clock.h"
#include "doc/document.h"
#include "doc/json_build.h"

#include <math.h>

static json_t *time_to_json(const struct report *r, uint64_t ns)
{
	char text[RFC3339_BYTES];

	clock_format_rfc3339_local(ns, r->calendar.utc, text);
	return json_string_nocheck(text);
}

static json_t *unmerged_to_json(const struct unmerged *u)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "files", json_count(u->files));
	json_build_set(&o, "requests", json_count(u->answered + u->failed));
	json_build_set(&o, "ok", json_count(u->answered));
	json_build_set(&o, "errors", json_count(u->failed));
	json_build_set(
	    &o, "response_ms_avg", json_figure(u->timed ? u->sum_ms / (double)u->timed : NAN));
	json_build_set(&o, "total_tokens", json_count(u->tokens.total));
	json_build_set(&o, "prompt_tokens", json_count(u->tokens.prompt));
	json_build_set(&o, "completion_tokens", json_count(u->tokens.completion));
	return json_build_take(&o);
}

/* Keys of a document that are about an agent and not about a period. */
static void leave_out(json_t *document)
{
	static const char *const keys[] = {
	    "uptime_seconds", "uptime_formatted", "hourly_trends", "saved_at"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_object_del(document, keys[i]);
	json_object_del(json_object_get(document, "requests"), "in_flight");
}

json_t *row_to_json(const struct report *r, const struct report_row *row)
{
	const struct document_context context = {.period_kind = row == &r->total         ? "report"
	                                                        : r->per == PERIOD_DAILY ? "daily"
	                                                                                 : "hourly",
	    .start_ns = row->span.start_ns,
	    .end_ns = row->span.end_ns,
	    .complete = row->files > 0 && !row->incomplete,
	    .utc = r->calendar.utc};
	struct json_build o = {.value = document_from_aggregate(&row->sum, &context)};

	if (!o.value)
		return NULL;
	leave_out(o.value);
	json_build_set(&o, "files", json_count(row->files));
	json_build_set(&o, "covered_hours", json_real(row_hours(row)));
	if (row->unmerged.files)
		json_build_set(&o, "unmerged", unmerged_to_json(&row->unmerged));
	return json_build_take(&o);
}

json_t *notes_to_json(const struct report_notes *n)
{
	struct json_build list = json_build_array();

	for (size_t i = 0; i < n->count; i++) {
		struct json_build o = json_build_object();

		json_build_set(&o, "wrong", json_boolean(n->items[i].wrong));
		json_build_set(&o, "text", json_string(n->items[i].text));
		json_build_append(&list, json_build_take(&o));
	}
	return json_build_take(&list);
}

json_t *report_to_json(const struct report *r, const struct advice *advice)
{
	struct json_build o = json_build_object(), periods = json_build_array();

	for (size_t i = 0; i < r->count; i++)
		json_build_append(&periods, row_to_json(r, &r->rows[i]));
	json_build_set(&o, "from", time_to_json(r, r->span.start_ns));
	json_build_set(&o, "to", time_to_json(r, r->span.end_ns));
	json_build_set(&o, "files", json_count(r->total.files));
	json_build_set(&o, "complete", json_boolean(!r->total.incomplete));
	json_build_set(&o, "periods", json_build_take(&periods));
	json_build_set(&o, "total", row_to_json(r, &r->total));
	json_build_set(&o, "advice", advice_to_json(advice));
	json_build_set(&o, "notes", notes_to_json(&r->notes));
	return json_build_take(&o);
}
