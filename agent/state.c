/*
 * state.c: the checkpoint: the ledger and the place reached in every lane, in one file.
 *
 * Every period is the very document that its file shows: what describes a period to people also
 * restores it. Its trends alone are a second record beside it.
 */
#include "state.h"

#include <errno.h>
#include <string.h>

static void put_sum(struct writer *w, const char *key, const struct aggregate *sum)
{
	struct document_context c = {.restorable = true};

	document_write(w, key, sum, &c);
}

static void put_period(struct msgpack_writer *m, const struct period *p)
{
	struct writer *w = &m->writer;

	writer_object(w, NULL);
	writer_integer(w, "kind", p->span.kind);
	writer_count(w, "label", p->span.label);
	writer_count(w, "start_ns", p->span.start_ns);
	writer_count(w, "end_ns", p->span.end_ns);
	writer_boolean(w, "has_base", p->has_base);
	if (p->document)
		msgpack_writer_splice(m, "document", p->document, p->document_length);
	else
		put_sum(w, "document", &p->sum);
	/* The document's are of all that is known; these, the period's own record. */
	document_write_trends(w, "trends", &p->trends);
	writer_end(w);
}

static void put_state(
    struct msgpack_writer *m, const struct ledger *l, const struct state_bus *bus, uint64_t now_ns)
{
	struct writer *w = &m->writer;

	writer_object(w, NULL);
	writer_count(w, "written_at", now_ns);
	writer_array(w, "periods");
	for (const struct period *p = l->periods.first; p; p = p->next)
		put_period(m, p);
	writer_end(w);
	inflight_write(l->inflight, w, "in_flight");
	trend_hours_write(&l->hours, w, "hours");
	put_sum(w, "lifetime", &l->lifetime);
	writer_count(w, "lifetime_since", l->lifetime_since_ns);
	state_bus_write(bus, w);
	writer_end(w);
}

int state_encode(const struct ledger *l, const struct state_bus *bus, uint64_t now_ns, char **bytes,
    size_t *length)
{
	struct msgpack_writer m;

	state_begin(&m);
	put_state(&m, l, bus, now_ns);
	*bytes = state_end(&m, length);
	return *bytes ? 0 : -ENOMEM;
}

static int load_period(struct ledger *l, json_t *o)
{
	struct period *p;
	json_int_t label, start, end;
	json_t *document, *trends = NULL;
	int kind, err;

	if (json_unpack(o, "{s:i,s:I,s:I,s:I,s:o,s?o}", "kind", &kind, "label", &label, "start_ns",
		&start, "end_ns", &end, "document", &document, "trends", &trends) < 0 ||
	    (kind != PERIOD_HOURLY && kind != PERIOD_DAILY) || label < 0 || label > UINT32_MAX ||
	    start < 0 || end <= start)
		return -EBADMSG;
	p = periods_restore(
	    &l->periods, (enum period_kind)kind, (uint32_t)label, (uint64_t)start, (uint64_t)end);
	if (!p)
		return -EBADMSG;
	/* Earlier versions wrote none without. */
	p->has_base = !json_is_false(json_object_get(o, "has_base"));
	err = document_to_aggregate(document, &p->sum, &p->trends);
	/* Those of earlier versions have none of their own. */
	return !err && trends ? document_to_trends(trends, &p->trends) : err;
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
