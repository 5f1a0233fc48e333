/*
 * state.c: the checkpoint: the ledger and the place reached in every lane, in one file.
 *
 * A fixed head with a checksum, then a msgpack map in which every period is the very document that
 * its file shows: what describes a period to people also restores it.
 */
#include "state.h"
#include "json_build.h"
#include "json_msgpack.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define STATE_MAGIC   "ORBSTATE"
#define STATE_VERSION 1u
#define STATE_DEPTH   16
#define LANES_MAX     4096

struct state_head {
	char magic[8];
	uint32_t version;
	uint32_t reserved;
	uint64_t length;   /* of what follows */
	uint64_t checksum; /* XXH3-64 of it */
};
static_assert(sizeof(struct state_head) == 32, "file format");

void state_boot_id(char out[40])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	memset(out, 0, 40);
	if (!f)
		return;
	if (fgets(out, 40, f))
		out[strcspn(out, "\n")] = '\0';
	fclose(f);
}

static void hex_of(const uint8_t id[16], char out[33])
{
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", id[i]);
}

static bool hex_to(const char *text, uint8_t id[16])
{
	if (!text || strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32)
		return false;
	for (int i = 0; i < 16; i++) {
		unsigned byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		id[i] = (uint8_t)byte;
	}
	return true;
}

static json_t *positions_to_json(const struct state_bus *bus)
{
	struct json_build list = json_build_array();

	for (uint32_t i = 0; i < bus->lane_count; i++)
		json_build_append(&list, json_integer((json_int_t)bus->positions[i]));
	return json_build_take(&list);
}

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
	char id[33];

	hex_of(bus->bus_id, id);
	return json_pack("{s:I,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:I}", "written_at", (json_int_t)now_ns,
	    "bus_id", id, "boot_id", bus->boot_id, "positions", positions_to_json(bus), "periods",
	    periods_to_json(l), "in_flight", inflight_to_json(l->inflight), "hours",
	    trend_hours_to_json(&l->hours), "lifetime", sum_to_json(&l->lifetime, NULL),
	    "lifetime_since", (json_int_t)l->lifetime_since_ns);
}

int state_encode(const struct ledger *l, const struct state_bus *bus, uint64_t now_ns, char **bytes,
    size_t *length)
{
	struct state_head head = {.version = STATE_VERSION};
	json_t *o = state_to_json(l, bus, now_ns);
	char *body;
	size_t n;
	int err;

	if (!o)
		return -ENOMEM;
	err = json_to_msgpack(o, &body, &n);
	json_decref(o);
	if (err)
		return err;
	memcpy(head.magic, STATE_MAGIC, sizeof(head.magic));
	head.length = n;
	head.checksum = XXH3_64bits(body, n);
	*bytes = malloc(sizeof(head) + n);
	if (*bytes) {
		memcpy(*bytes, &head, sizeof(head));
		memcpy(*bytes + sizeof(head), body, n);
		*length = sizeof(head) + n;
	}
	free(body);
	return *bytes ? 0 : -ENOMEM;
}

static int load_bus(const json_t *o, struct state_bus *bus)
{
	const char *boot = json_string_value(json_object_get(o, "boot_id"));
	const json_t *list = json_object_get(o, "positions"), *item;
	size_t i, n = json_array_size(list);

	if (!hex_to(json_string_value(json_object_get(o, "bus_id")), bus->bus_id) || !boot ||
	    strlen(boot) >= sizeof(bus->boot_id) || !json_is_array(list) || n > LANES_MAX)
		return -EBADMSG;
	strcpy(bus->boot_id, boot);
	bus->positions = calloc(n + 1, sizeof(*bus->positions));
	if (!bus->positions)
		return -ENOMEM;
	json_array_foreach(list, i, item)
	{
		if (!json_is_integer(item) || json_integer_value(item) < 0)
			return -EBADMSG;
		bus->positions[i] = (uint64_t)json_integer_value(item);
	}
	bus->lane_count = (uint32_t)n;
	return 0;
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
	int err = load_bus(o, bus);

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
	struct state_head head;
	const char *body = (const char *)bytes + sizeof(head);
	json_t *o;
	int err;

	memset(bus, 0, sizeof(*bus));
	if (length < sizeof(head))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (memcmp(head.magic, STATE_MAGIC, sizeof(head.magic)) != 0)
		return -EBADMSG;
	if (head.version != STATE_VERSION)
		return -EPROTONOSUPPORT;
	if (head.length != length - sizeof(head) ||
	    head.checksum != XXH3_64bits(body, length - sizeof(head)))
		return -EBADMSG;
	o = json_from_msgpack(body, length - sizeof(head), STATE_DEPTH);
	if (!o)
		return -EBADMSG;
	err = load_all(o, l, bus);
	json_decref(o);
	return err;
}
