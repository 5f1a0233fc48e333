/*
 * state.c: the checkpoint: the ledger and the place reached in every lane, in one file.
 *
 * Every period is the very document that its file shows: what describes a period to people also
 * restores it.
 */
#include "state.h"
#include "json_build.h"

#include <errno.h>
#include <string.h>

static json_t *sum_to_json(const struct aggregate *sum, const struct trends *trends)
{
	struct document_context c = {.restorable = true, .trends = trends};

	return document_from_aggregate(sum, &c);
}

/* What is made for the file serves here too, but for the trends, which a period remembers its own.
 */
static json_t *period_to_json(const struct period *p)
{
	json_t *copy;

	if (!p->document)
		return sum_to_json(&p->sum, &p->trends);
	copy = json_copy(p->document);
	if (copy && document_set_trends(copy, &p->trends))
		return copy;
	json_decref(copy);
	return NULL;
}

static json_t *periods_to_json(const struct ledger *l)
{
	struct json_build list = json_build_array();

	for (const struct period *p = l->periods.first; p; p = p->next)
		json_build_append(&list,
		    json_pack("{s:i,s:I,s:I,s:I,s:o}", "kind", (int)p->span.kind, "label",
			(json_int_t)p->span.label, "start_ns", (json_int_t)p->span.start_ns,
			"end_ns", (json_int_t)p->span.end_ns, "document", period_to_json(p)));
	return json_build_take(&list);
}

static json_t *state_to_json(const struct ledger *l, const struct state_bus *bus, uint64_t now_ns)
{
	json_t *o = json_pack("{s:I,s:o,s:o,s:o,s:o,s:I}", "written_at", (json_int_t)now_ns,
	    "periods", periods_to_json(l), "in_flight", inflight_to_json(l->inflight), "hours",
	    trend_hours_to_json(&l->hours), "lifetime", sum_to_json(&l->lifetime, NULL),
	    "lifetime_since", (json_int_t)l->lifetime_since_ns);

	if (o && state_bus_to_json(bus, o))
		return o;
	json_decref(o);
	return NULL;
}

int state_encode(const struct ledger *l, const struct state_bus *bus, uint64_t now_ns, char **bytes,
    size_t *length)
{
	json_t *o = state_to_json(l, bus, now_ns);
	int err = o ? state_wrap(o, bytes, length) : -ENOMEM;

	json_decref(o);
	return err;
}

static int load_period(struct ledger *l, json_t *o)
{
	struct period *p;
	json_int_t label, start, end;
	json_t *document;
	int kind;

	if (json_unpack(o, "{s:i,s:I,s:I,s:I,s:o}", "kind", &kind, "label", &label, "start_ns",
		&start, "end_ns", &end, "document", &document) < 0 ||
	    (kind != PERIOD_HOURLY && kind != PERIOD_DAILY) || label < 0 || label > UINT32_MAX ||
	    start < 0 || end <= start)
		return -EBADMSG;
	p = periods_restore(
	    &l->periods, (enum period_kind)kind, (uint32_t)label, (uint64_t)start, (uint64_t)end);
	if (!p)
		return -EBADMSG;
	p->has_base = true;
	return document_to_aggregate(document, &p->sum, &p->trends);
}

static int load_periods(struct ledger *l, const json_t *list)
{
	json_t *o;
	size_t i;

	if (!json_is_array(list))
		return -EBADMSG;
	json_array_foreach(list, i, o)
	{
		int err = load_period(l, o);

		if (err)
			return err;
	}
	return 0;
}

static int load_all(const json_t *o, struct ledger *l, struct state_bus *bus)
{
	const json_t *since = json_object_get(o, "lifetime_since");
	int err = state_bus_from_json(o, bus);

	if (!err && (!json_is_integer(since) || json_integer_value(since) < 0))
		err = -EBADMSG;
	if (!err)
		err = load_periods(l, json_object_get(o, "periods"));
	if (!err)
		err = inflight_from_json(l->inflight, json_object_get(o, "in_flight"));
	if (!err)
		err = trend_hours_from_json(&l->hours, json_object_get(o, "hours"));
	if (!err)
		err = document_to_aggregate(json_object_get(o, "lifetime"), &l->lifetime, NULL);
	if (!err)
		l->lifetime_since_ns = (uint64_t)json_integer_value(since);
	return err;
}

int state_decode(const void *bytes, size_t length, struct ledger *l, struct state_bus *bus)
{
	json_t *o;
	int err;

	memset(bus, 0, sizeof(*bus));
	err = state_unwrap(bytes, length, &o);
	if (err)
		return err;
	err = load_all(o, l, bus);
	json_decref(o);
	return err;
}
