/*
 * inflight.c: requests that have begun and not ended.
 */
#include "inflight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define TABLE_SIZE 4096 /* chains, not a limit */

struct entry {
	struct entry *next;
	uint32_t lane, epoch;
	uint64_t ts;
	bool stream;
	/* Texts in one block behind the entry; NULL: absent. */
	const char *id, *bot, *model, *provider;
};

struct inflight {
	struct entry *table[TABLE_SIZE];
	uint32_t in_lane[ORBUS_LANES_LIMIT];
	uint64_t count;
};

struct inflight *inflight_new(void)
{
	return calloc(1, sizeof(struct inflight));
}

static struct entry **chain_of(struct inflight *f, uint32_t lane, const char *id)
{
	return &f->table[XXH3_64bits_withSeed(id, strlen(id), lane) % TABLE_SIZE];
}

/* Unlinks the entry that *place points at. */
static struct entry *unlink_entry(struct inflight *f, struct entry **place)
{
	struct entry *e = *place;

	*place = e->next;
	f->in_lane[e->lane]--;
	f->count--;
	return e;
}

/* What the begin's id was. */
static const char *pairing_id(const struct orbus_sample *s)
{
	return s->kind == ORBUS_KIND_REQUEST && s->begin_id ? s->begin_id : s->request_id;
}

static struct entry **find(struct inflight *f, const struct sample_origin *o, const char *id)
{
	struct entry **place = chain_of(f, o->lane, id);

	while (*place && ((*place)->lane != o->lane || (*place)->epoch != o->epoch ||
			     strcmp((*place)->id, id) != 0))
		place = &(*place)->next;
	return *place ? place : NULL;
}

static size_t text_bytes(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static const char *keep(char **at, const char *s)
{
	char *to = *at;

	if (!s)
		return NULL;
	*at += strlen(s) + 1;
	return strcpy(to, s);
}

static bool add(struct inflight *f, const struct sample_origin *o, const struct orbus_sample *s)
{
	const char *model = s->requested_model ? s->requested_model : s->model;
	struct entry **chain = chain_of(f, o->lane, s->request_id), *e;
	char *at;

	e = malloc(sizeof(*e) + text_bytes(s->request_id) + text_bytes(s->bot) + text_bytes(model) +
		   text_bytes(s->provider));
	if (!e)
		return false;
	at = (char *)(e + 1);
	*e = (struct entry){
	    .next = *chain, .lane = o->lane, .epoch = o->epoch, .ts = s->ts, .stream = s->stream};
	e->id = keep(&at, s->request_id);
	e->bot = keep(&at, s->bot);
	e->model = keep(&at, model);
	e->provider = keep(&at, s->provider);
	*chain = e;
	f->in_lane[o->lane]++;
	f->count++;
	return true;
}

bool inflight_note(struct inflight *f, const struct sample_origin *o, const struct orbus_sample *s)
{
	const char *id = pairing_id(s);
	struct entry **place;

	if (!id || o->lane >= ORBUS_LANES_LIMIT)
		return true;
	place = find(f, o, id);
	if (s->kind == ORBUS_KIND_REQUEST) {
		if (place)
			free(unlink_entry(f, place));
		return true;
	}
	if (s->kind != ORBUS_KIND_BEGIN || place || f->count >= INFLIGHT_MAX)
		return true;
	return add(f, o, s);
}

uint64_t inflight_count(const struct inflight *f)
{
	return f->count;
}

bool inflight_in_lane(const struct inflight *f, uint32_t lane)
{
	return lane < ORBUS_LANES_LIMIT && f->in_lane[lane] > 0;
}

static void describe(const struct entry *e, struct orbus_sample *s)
{
	orbus_sample_init(s);
	s->request_id = e->id;
	s->bot = e->bot;
	s->requested_model = e->model;
	s->provider = e->provider;
	s->stream = e->stream;
}

static void describe_begin(const struct entry *e, struct orbus_sample *s)
{
	describe(e, s);
	s->kind = ORBUS_KIND_BEGIN;
	s->ts = e->ts;
}

bool inflight_begin_of(struct inflight *f, const struct sample_origin *origin,
    const struct orbus_sample *end, struct orbus_sample *begin)
{
	const char *id = pairing_id(end);
	struct entry **place = id && origin->lane < ORBUS_LANES_LIMIT ? find(f, origin, id) : NULL;

	if (place)
		describe_begin(*place, begin);
	return place;
}

void inflight_each(const struct inflight *f, inflight_each_fn *each, void *context)
{
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		for (const struct entry *e = f->table[i]; e; e = e->next) {
			struct sample_origin origin = {.lane = e->lane, .epoch = e->epoch};
			struct orbus_sample begin;

			describe_begin(e, &begin);
			each(context, &origin, &begin);
		}
	}
}

static void say_orphaned(const struct entry *e, inflight_orphan_fn *orphan, void *context)
{
	struct orbus_sample s;

	describe(e, &s);
	s.status = ORBUS_STATUS_ORPHANED;
	orphan(context, &s);
}

void inflight_reap(
    struct inflight *f, uint32_t lane, uint32_t epoch, inflight_orphan_fn *orphan, void *context)
{
	if (!inflight_in_lane(f, lane))
		return;
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		struct entry **place = &f->table[i];

		while (*place) {
			struct entry *e;

			if ((*place)->lane != lane || (*place)->epoch >= epoch) {
				place = &(*place)->next;
				continue;
			}
			e = unlink_entry(f, place);
			if (orphan)
				say_orphaned(e, orphan, context);
			free(e);
		}
	}
}

void inflight_forget_lane(struct inflight *f, uint32_t lane)
{
	inflight_reap(f, lane, UINT32_MAX, NULL, NULL);
}

void inflight_clear(struct inflight *f)
{
	for (size_t i = 0; i < TABLE_SIZE; i++)
		while (f->table[i])
			free(unlink_entry(f, &f->table[i]));
}

void inflight_free(struct inflight *f)
{
	if (!f)
		return;
	inflight_clear(f);
	free(f);
}

static void put_entry(struct writer *w, const struct entry *e)
{
	writer_object(w, NULL);
	writer_count(w, "lane", e->lane);
	writer_count(w, "epoch", e->epoch);
	writer_count(w, "ts", e->ts);
	writer_boolean(w, "stream", e->stream);
	writer_text(w, "request_id", e->id);
	writer_text(w, "bot", e->bot);
	writer_text(w, "model", e->model);
	writer_text(w, "provider", e->provider);
	writer_end(w);
}

void inflight_write(const struct inflight *f, struct writer *w, const char *key)
{
	writer_array(w, key);
	for (size_t i = 0; i < TABLE_SIZE; i++)
		for (const struct entry *e = f->table[i]; e; e = e->next)
			put_entry(w, e);
	writer_end(w);
}

static int entry_from_json(struct inflight *f, json_t *o)
{
	struct sample_origin origin = {0};
	struct orbus_sample s;
	json_int_t lane, epoch, ts;
	int stream;

	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_BEGIN;
	if (json_unpack(o, "{s:I,s:I,s:I,s:b,s:s}", "lane", &lane, "epoch", &epoch, "ts", &ts,
		"stream", &stream, "request_id", &s.request_id) < 0)
		return -EBADMSG;
	if (lane < 0 || lane >= ORBUS_LANES_LIMIT || epoch < 0 || epoch > UINT32_MAX || ts < 0)
		return -EBADMSG;
	origin.lane = (uint32_t)lane;
	origin.epoch = (uint32_t)epoch;
	s.ts = (uint64_t)ts;
	s.stream = stream;
	s.bot = json_string_value(json_object_get(o, "bot"));
	s.requested_model = json_string_value(json_object_get(o, "model"));
	s.provider = json_string_value(json_object_get(o, "provider"));
	return inflight_note(f, &origin, &s) ? 0 : -ENOMEM;
}

int inflight_from_json(struct inflight *f, const json_t *list)
{
	json_t *o;
	size_t i;

	if (!json_is_array(list))
		return -EBADMSG;
	json_array_foreach(list, i, o)
	{
		int err = entry_from_json(f, o);

		if (err)
			return err;
	}
	return 0;
}
