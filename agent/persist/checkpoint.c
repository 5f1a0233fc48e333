/*
 * checkpoint.c: the checkpoint: the aggregator and the place reached in every lane, in one file.
 *
 * Its sections: the bus; what the aggregator holds beside its periods; then one for each period. A
 * period's is the very document that its file shows: what describes a period to people also
 * restores it. Its trends alone are a second record beside it. A section is kept with the period
 * and used again as long as the period has not changed.
 */
#include "checkpoint.h"
#include "base/data_limits.h"
#include "base/msgpack_in.h"
#include "base/wall_time.h"
#include "doc/doc_read.h"
#include "doc/msgpack_tree.h"
#include "stats/aggregate_bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT "document"
/* Not "periods", which version 1 has for another thing. */
#define INDEX "period_index"
/* Between any two time zones. */
#define ZONES_S (26 * 3600)

/* --- Writing ---------------------------------------------------------------------------------- */

static int put_bus(struct checkpoint_draft *d, const struct checkpoint_bus *bus, uint64_t now_ns)
{
	struct msgpack_writer m;
	struct writer *w = &m.writer;

	msgpack_writer_init(&m);
	writer_object(w, NULL);
	writer_count(w, "written_at", now_ns);
	checkpoint_bus_write(bus, w);
	writer_end(w);
	d->bus = msgpack_writer_take(&m, &d->bus_length);
	return d->bus ? 0 : -ENOMEM;
}

static int put_rest(struct checkpoint_draft *d, const struct aggregator *l, uint64_t now_ns)
{
	const struct document_context c = {.restorable = true};
	struct msgpack_writer m;
	struct writer *w = &m.writer;

	msgpack_writer_init(&m);
	writer_object(w, NULL);
	inflight_write(l->inflight, &m, "in_flight");
	writer_object(w, INDEX);
	period_index_write(&l->periods.index[PERIOD_HOURLY], w, "hourly");
	period_index_write(&l->periods.index[PERIOD_DAILY], w, "daily");
	writer_end(w);
	trend_hours_write(&l->hours, w, "hours");
	given_times_prune(l->given, now_ns);
	given_times_write(l->given, w, "given");
	writer_count(w, "last_request", l->last_request_ns);
	/* Their numbers are of what clocks on the wall show. */
	writer_count(w, "hours_at", now_ns);
	writer_integer(w, "hours_wall", wall_seconds_at(l->periods.calendar.utc, now_ns));
	document_write(w, "lifetime", &l->lifetime, &c);
	writer_count(w, "lifetime_since", l->lifetime_since_ns);
	writer_end(w);
	d->rest = msgpack_writer_take(&m, &d->rest_length);
	return d->rest ? 0 : -ENOMEM;
}

static bool is_rendered(const struct checkpoint_period *s)
{
	const struct period *p = s->period;

	return p->sealed ||
	       (p->section && p->section_version == s->version &&
		   p->section_complete == s->complete && p->section_has_base == s->has_base);
}

/* What the document of a period says beside its sum. */
static void describe(struct checkpoint_draft *d, struct checkpoint_period *s, uint64_t now_ns,
    const struct document_sources *documents)
{
	const struct period *p = s->period;
	struct document_context *c = &s->context;

	aggregator_trends(documents->aggregator, p, now_ns, &s->shown);
	*c = document_context_now(documents, now_ns);
	c->period_kind = p->span.kind == PERIOD_DAILY ? "daily" : "hourly";
	c->start_ns = p->span.start_ns;
	c->end_ns = p->span.end_ns;
	c->complete = s->complete;
	c->trends = &s->shown;
	/* As of the draft's instant: the aggregator's goes on. */
	c->lifetime = &d->lifetime;
	if (c->complete)
		c->in_flight = 0;
}

static void begin_period(struct checkpoint_draft *d, struct checkpoint_period *s, struct period *p,
    uint64_t now_ns, const struct document_sources *documents)
{
	s->period = p;
	s->version = p->version;
	s->complete = period_is_over(p, now_ns);
	s->has_base = p->has_base;
	s->own = p->trends;
	if (is_rendered(s)) {
		s->section = p->section;
		s->size = p->section_size;
		s->has_delta = !period_is_whole(p);
		s->context.restorable = true;
		return;
	}
	s->is_new = true;
	if (documents)
		describe(d, s, now_ns, documents);
	s->context.restorable = true;
}

int checkpoint_draft_begin(struct checkpoint_draft *d, const struct aggregator *l,
    const struct checkpoint_bus *bus, uint64_t now_ns, const struct document_sources *documents)
{
	int err;

	*d = (struct checkpoint_draft){0};
	aggregate_init(&d->lifetime);
	d->periods = calloc(l->periods.count + 1, sizeof(*d->periods));
	err = d->periods && aggregate_merge_totals(&d->lifetime, &l->lifetime) ? 0 : -ENOMEM;
	if (!err)
		err = put_bus(d, bus, now_ns);
	if (!err)
		err = put_rest(d, l, now_ns);
	for (struct period *p = l->periods.first; !err && p; p = p->next)
		begin_period(d, &d->periods[d->count++], p, now_ns, documents);
	for (size_t i = 0; !err && i < d->count; i++)
		d->has_marks |= d->periods[i].period->span.mark != PERIOD_UNMARKED;
	for (size_t i = 0; i < bus->journal.file_count; i++)
		d->has_marks |= bus->journal.files[i].name.mark != PERIOD_UNMARKED;
	return err;
}

bool checkpoint_period_is_read(const struct checkpoint_period *s)
{
	return s->is_new || s->has_delta;
}

size_t checkpoint_draft_names(const struct checkpoint_draft *d)
{
	size_t names = 0;

	for (size_t i = 0; i < d->count; i++) {
		const struct aggregate *sum = &d->periods[i].period->sum;

		if (checkpoint_period_is_read(&d->periods[i]))
			names +=
			    1 + sum->by_model.count + sum->by_bot.count + sum->by_provider.count;
	}
	return names;
}

/* `delta`: the section adds to the one before it. */
static int render_period(struct checkpoint_compressor *compressor, struct checkpoint_period *s,
    bool delta, char **section, size_t *size)
{
	const struct period *p = s->period;
	struct msgpack_writer m;
	struct writer *w = &m.writer;
	size_t length;
	char *document;
	int err;

	msgpack_writer_init(&m);
	writer_object(w, NULL);
	writer_integer(w, "kind", p->span.kind);
	writer_count(w, "label", p->span.label);
	if (p->span.mark != PERIOD_UNMARKED)
		writer_count(w, "mark", p->span.mark);
	writer_count(w, "start_ns", p->span.start_ns);
	writer_count(w, "end_ns", p->span.end_ns);
	writer_boolean(w, "has_base", s->has_base);
	writer_boolean(w, "complete", s->complete);
	writer_boolean(w, "delta", delta);
	document_write(w, DOCUMENT, &p->sum, &s->context);
	/* The document's are of all that is known; these, the period's own record. */
	document_write_trends(w, "trends", &s->own);
	writer_end(w);
	document = msgpack_writer_take(&m, &length);
	if (!document)
		return -ENOMEM;
	err = checkpoint_compress(compressor, document, length, section, size);
	free(document);
	return err;
}

/* What has come for a sealed period, behind the section that it is sealed as. */
static int add_delta(struct checkpoint_draft *d, struct checkpoint_compressor *compressor,
    struct checkpoint_period *s)
{
	char *section;
	size_t size;
	int err = render_period(compressor, s, true, &section, &size);

	if (err)
		return err;
	err = checkpoint_add(&d->file, section, size);
	free(section);
	return err;
}

static int add_document(struct checkpoint_draft *d, struct checkpoint_compressor *compressor,
    const char *document, size_t length)
{
	char *section;
	size_t size;
	int err = checkpoint_compress(compressor, document, length, &section, &size);

	if (err)
		return err;
	err = checkpoint_add(&d->file, section, size);
	free(section);
	return err;
}

static int render(struct checkpoint_draft *d, struct checkpoint_compressor *compressor)
{
	int err = checkpoint_begin(&d->file);

	if (!err)
		err = add_document(d, compressor, d->bus, d->bus_length);
	if (!err)
		err = add_document(d, compressor, d->rest, d->rest_length);
	for (size_t i = 0; !err && i < d->count; i++) {
		struct checkpoint_period *s = &d->periods[i];

		if (s->is_new) {
			err = render_period(compressor, s, false, &s->section, &s->size);
			s->bytes = aggregate_bytes(&s->period->sum);
		}
		if (!err)
			err = checkpoint_add(&d->file, s->section, s->size);
		if (!err && s->has_delta)
			err = add_delta(d, compressor, s);
	}
	if (!err)
		checkpoint_finish(&d->file, d->has_marks);
	return err;
}

void checkpoint_draft_render(struct checkpoint_draft *d)
{
	struct checkpoint_compressor *compressor = checkpoint_compressor_new();

	d->error = compressor ? render(d, compressor) : -ENOMEM;
	checkpoint_compressor_free(compressor);
}

void checkpoint_draft_give_back(struct checkpoint_draft *d)
{
	for (size_t i = 0; i < d->count; i++) {
		struct checkpoint_period *s = &d->periods[i];
		struct period *p = s->period;

		if (!s->is_new || !s->section)
			continue;
		free(p->section);
		p->section = s->section;
		p->section_size = s->size;
		p->section_version = s->version;
		p->section_complete = s->complete;
		p->section_has_base = s->has_base;
		p->bytes = s->bytes;
		s->is_new = false;
	}
}

void checkpoint_draft_free(struct checkpoint_draft *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->periods[i].is_new)
			free(d->periods[i].section);
	free(d->periods);
	free(d->bus);
	free(d->rest);
	free(d->file.bytes);
	aggregate_free(&d->lifetime);
	*d = (struct checkpoint_draft){0};
}

/* A member of a section, within its msgpack. */
struct member {
	const char *key;
	const char *bytes; /* NULL: there is none */
	size_t length;
};

/* Finds those members of the map that the bytes are. False: they are no map, or not that alone. */
static bool find_members(const char *bytes, size_t length, struct member *members, size_t count)
{
	struct mp_reader in;
	struct mp_value map, key;

	mp_reader_init(&in, bytes, length);
	if (!mp_next(&in, &map) || map.type != MP_MAP)
		return false;
	for (uint32_t i = 0; i < map.count; i++) {
		const char *start;

		if (!mp_next_text(&in, &key) || key.type != MP_STRING)
			return false;
		start = (const char *)in.at;
		if (!mp_skip(&in, DOCUMENT_DEPTH_MAX))
			return false;
		for (size_t m = 0; m < count; m++) {
			if (key.count != strlen(members[m].key) ||
			    memcmp(key.bytes, members[m].key, key.count) != 0)
				continue;
			members[m].bytes = start;
			members[m].length = (size_t)((const char *)in.at - start);
		}
	}
	return in.at == in.end;
}

char *checkpoint_file_text(const char *section, size_t size, size_t *length, bool *too_large)
{
	struct member document = {.key = DOCUMENT};
	struct text_writer t;
	size_t unpacked;
	char *bytes, *text;

	*too_large = false;
	if (checkpoint_decompress(section, size, &bytes, &unpacked) < 0)
		return NULL;
	text_writer_init(&t);
	if (find_members(bytes, unpacked, &document, 1) && document.bytes)
		writer_msgpack(&t.writer, NULL, bytes + (document.bytes - bytes), document.length);
	else
		t.writer.failed = true;
	free(bytes);
	text = text_writer_take(&t, length);
	*too_large = !text && t.too_large;
	return text;
}

int checkpoint_encode(const struct aggregator *l, const struct checkpoint_bus *bus, uint64_t now_ns,
    char **bytes, size_t *length)
{
	struct checkpoint_draft d;
	int err = checkpoint_draft_begin(&d, l, bus, now_ns, NULL);

	if (!err) {
		checkpoint_draft_render(&d);
		err = d.error;
	}
	if (!err) {
		*bytes = d.file.bytes;
		*length = d.file.length;
		d.file.bytes = NULL;
	}
	checkpoint_draft_free(&d);
	return err;
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* What a period holds. Its trends are its own; earlier versions have those of the document. */
static int load_sum(const char *bytes, size_t length, struct aggregate *sum, struct trends *trends)
{
	struct member parts[] = {{.key = DOCUMENT}, {.key = "trends"}};
	int err;

	if (!find_members(bytes, length, parts, 2) || !parts[0].bytes)
		return -EBADMSG;
	err =
	    document_from_msgpack(parts[0].bytes, parts[0].length, DOCUMENT_ALL, NULL, trends, sum);
	return !err && parts[1].bytes
	           ? document_trends_from_msgpack(parts[1].bytes, parts[1].length, trends)
	           : err;
}

/* What a period's section says of it beside its document; NULL: out of memory. */
static json_t *span_json(const char *bytes, size_t length)
{
	static const char *const keys[] = {
	    "kind", "label", "mark", "start_ns", "end_ns", "has_base", "complete", "delta", NULL};
	json_t *o = json_object();

	for (const char *const *key = keys; o && *key; key++) {
		const char *const path[] = {*key, NULL};
		json_t *value = json_from_msgpack_at(bytes, length, path, 1);

		if (value ? json_object_set_new(o, *key, value) < 0 : errno == ENOMEM) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static int open_period(struct aggregator *l, json_t *o, struct period **out)
{
	json_int_t label, start, end, mark = PERIOD_UNMARKED;
	struct period_span span;
	int kind;

	if (json_unpack(o, "{s:i,s:I,s:I,s:I,s?I}", "kind", &kind, "label", &label, "start_ns",
		&start, "end_ns", &end, "mark", &mark) < 0 ||
	    (kind != PERIOD_HOURLY && kind != PERIOD_DAILY) || label < 0 || label > UINT32_MAX ||
	    start < 0 || end <= start || mark < 0 || mark > UINT32_MAX ||
	    !calendar_mark_exists((uint32_t)mark))
		return -EBADMSG;
	span = (struct period_span){.kind = (enum period_kind)kind,
	    .label = (uint32_t)label,
	    .mark = (uint32_t)mark,
	    .start_ns = (uint64_t)start,
	    .end_ns = (uint64_t)end};
	calendar_name(&span);
	*out = periods_restore(&l->periods, &span);
	if (!*out)
		return -EBADMSG;
	/* Version 1 wrote none without. */
	(*out)->has_base = !json_is_false(json_object_get(o, "has_base"));
	(*out)->section_complete = json_is_true(json_object_get(o, "complete"));
	return 0;
}

/* One of version 1, which has all periods in one list. */
static int load_period(struct aggregator *l, const char *bytes, size_t length)
{
	json_t *o = span_json(bytes, length);
	struct period *p;
	int err = o ? open_period(l, o, &p) : -ENOMEM;

	json_decref(o);
	return err ? err : load_sum(bytes, length, &p->sum, &p->trends);
}

static int load_periods(struct aggregator *l, const struct member *periods)
{
	struct mp_reader in;
	struct mp_value list;

	if (!periods->bytes)
		return -EBADMSG;
	mp_reader_init(&in, periods->bytes, periods->length);
	if (!mp_next(&in, &list) || list.type != MP_ARRAY)
		return -EBADMSG;
	for (uint32_t i = 0; i < list.count; i++) {
		const char *start = (const char *)in.at;
		int err = mp_skip(&in, DOCUMENT_DEPTH_MAX) ? 0 : -EBADMSG;

		if (!err)
			err = load_period(l, start, (size_t)((const char *)in.at - start));
		if (err)
			return err;
	}
	return 0;
}

/* Earlier versions do not have it: the ring tells then. */
static int load_last_request(const json_t *o, struct aggregator *l)
{
	if (!o)
		return 0;
	if (!json_is_integer(o) || json_integer_value(o) < 0)
		return -EBADMSG;
	l->last_request_ns = (uint64_t)json_integer_value(o);
	l->last_is_restored = true;
	return 0;
}

/* What clocks here showed when it was written, beside what they showed to who wrote it. */
static void shift_hours(const json_t *o, struct aggregator *l)
{
	const json_t *at = json_object_get(o, "hours_at"), *wall = json_object_get(o, "hours_wall");
	int64_t apart;

	if (!json_is_integer(at) || !json_is_integer(wall) || json_integer_value(at) < 0)
		return;
	if (__builtin_sub_overflow(
		wall_seconds_at(l->periods.calendar.utc, (uint64_t)json_integer_value(at)),
		json_integer_value(wall), &apart) ||
	    apart < -ZONES_S || apart > ZONES_S)
		return;
	/* To the nearest hour, where zones differ by half ones. */
	trend_hours_shift(&l->hours, (apart + (apart < 0 ? -1800 : 1800)) / 3600);
}

/* Checkpoints of earlier versions have none. */
static int load_index(const json_t *o, struct periods *p)
{
	int err;

	if (!o)
		return 0;
	p->indexed = true;
	err = period_index_from_json(&p->index[PERIOD_HOURLY], json_object_get(o, "hourly"));
	return err ? err
	           : period_index_from_json(&p->index[PERIOD_DAILY], json_object_get(o, "daily"));
}

static int load_rest(const json_t *o, const struct member *lifetime, struct aggregator *l)
{
	const json_t *since = json_object_get(o, "lifetime_since");
	int err = 0;

	if (!json_is_integer(since) || json_integer_value(since) < 0)
		return -EBADMSG;
	l->lifetime_since_ns = (uint64_t)json_integer_value(since);
	err = inflight_from_json(l->inflight, json_object_get(o, "in_flight"));
	if (!err)
		err = load_index(json_object_get(o, INDEX), &l->periods);
	if (!err)
		err = trend_hours_from_json(&l->hours, json_object_get(o, "hours"));
	if (!err)
		shift_hours(o, l);
	if (!err)
		err = given_times_from_json(l->given, json_object_get(o, "given"));
	if (!err)
		err = load_last_request(json_object_get(o, "last_request"), l);
	if (!err && !lifetime->bytes)
		err = -EBADMSG;
	return err ? err
	           : document_from_msgpack(
			 lifetime->bytes, lifetime->length, DOCUMENT_ALL, NULL, NULL, &l->lifetime);
}

/* One document with everything. */
static int load_version_1(
    struct checkpoint_reader *r, struct aggregator *l, struct checkpoint_bus *bus)
{
	struct member parts[] = {{.key = "lifetime"}, {.key = "periods"}};
	size_t length = (size_t)(r->end - r->at);
	json_t *o = json_from_msgpack(r->at, length, DOCUMENT_DEPTH_MAX);
	int err = o ? 0 : -errno;

	if (!err && !find_members(r->at, length, parts, 2))
		err = -EBADMSG;
	if (!err)
		err = checkpoint_bus_from_json(o, bus);
	if (!err)
		err = load_periods(l, &parts[1]);
	if (!err)
		err = load_rest(o, &parts[0], l);
	json_decref(o);
	return err;
}

/* What the aggregator holds beside its periods. */
static int load_rest_section(struct checkpoint_reader *r, struct aggregator *l)
{
	struct member lifetime = {.key = "lifetime"};
	size_t length;
	char *bytes;
	int err = checkpoint_next_document(r, &bytes, &length);
	json_t *o;

	if (err)
		return err;
	o = json_from_msgpack(bytes, length, DOCUMENT_DEPTH_MAX);
	err = o ? 0 : -errno;
	if (!err && !find_members(bytes, length, &lifetime, 1))
		err = -EBADMSG;
	if (!err)
		err = load_rest(o, &lifetime, l);
	json_decref(o);
	free(bytes);
	return err;
}

/* A period's section as a tree, without its document. */
static int section_json(const char *section, size_t size, json_t **out)
{
	size_t length;
	char *bytes;
	int err = checkpoint_decompress(section, size, &bytes, &length);

	if (err)
		return err;
	*out = span_json(bytes, length);
	free(bytes);
	return *out ? 0 : -ENOMEM;
}

static int keep_section(struct period *p, const char *section, size_t size)
{
	p->section = malloc(size);
	if (!p->section)
		return -ENOMEM;
	memcpy(p->section, section, size);
	p->section_size = size;
	p->section_version = p->version;
	p->section_has_base = p->has_base;
	return 0;
}

/* Adds a section to what the one before it has opened, sealed or not. */
static int load_delta(struct aggregator *l, const json_t *o, const char *section, size_t size)
{
	struct period *p = l->periods.first; /* that was opened last */
	const json_t *label = json_object_get(o, "label"), *kind = json_object_get(o, "kind");
	const json_t *mark = json_object_get(o, "mark"); /* 0 where it is missing */
	struct aggregate sum;
	struct trends trends;
	int err;

	if (!p || json_integer_value(label) != p->span.label ||
	    json_integer_value(mark) != p->span.mark ||
	    json_integer_value(kind) != (json_int_t)p->span.kind)
		return -EBADMSG;
	aggregate_init(&sum);
	memset(&trends, 0, sizeof(trends));
	err = checkpoint_section_read(section, size, &sum, &trends);
	if (!err && !aggregate_merge(&p->sum, &sum))
		err = -ENOMEM;
	aggregate_free(&sum);
	p->trends.current_messages += trends.current_messages;
	p->trends.current_errors += trends.current_errors;
	p->version++;
	return err;
}

/* With `seal_before_ns`, which is now, one that is late by then is left as it is. */
static int load_section(struct checkpoint_reader *r, struct aggregator *l, uint64_t seal_before_ns)
{
	const char *section;
	struct period *p;
	size_t size;
	json_t *o;
	int err;

	if (checkpoint_next(r, &section, &size) != 1)
		return -EBADMSG;
	err = section_json(section, size, &o);
	if (err)
		return err;
	if (json_is_true(json_object_get(o, "delta"))) {
		err = load_delta(l, o, section, size);
		json_decref(o);
		return err;
	}
	err = open_period(l, o, &p);
	if (!err)
		err = keep_section(p, section, size);
	json_decref(o);
	if (err)
		return err;
	p->sealed = p->section && p->section_complete && p->has_base && seal_before_ns &&
	            period_is_late(p, seal_before_ns);
	return p->sealed ? 0 : checkpoint_section_read(section, size, &p->sum, &p->trends);
}

static int load_sections(struct checkpoint_reader *r, struct aggregator *l,
    struct checkpoint_bus *bus, uint64_t seal_before_ns)
{
	json_t *o;
	int err = checkpoint_next_json(r, &o);

	if (err)
		return err;
	err = checkpoint_bus_from_json(o, bus);
	json_decref(o);
	if (!err)
		err = load_rest_section(r, l);
	while (!err && r->at < r->end)
		err = load_section(r, l, seal_before_ns);
	return err;
}

static int decode(const void *bytes, size_t length, uint64_t seal_before_ns, struct aggregator *l,
    struct checkpoint_bus *bus)
{
	struct checkpoint_reader r;
	int err;

	memset(bus, 0, sizeof(*bus));
	err = checkpoint_open(&r, bytes, length);
	if (err)
		return err;
	return r.version == 1 ? load_version_1(&r, l, bus)
	                      : load_sections(&r, l, bus, seal_before_ns);
}

int checkpoint_decode(
    const void *bytes, size_t length, struct aggregator *l, struct checkpoint_bus *bus)
{
	return decode(bytes, length, 0, l, bus);
}

int checkpoint_restore(const void *bytes, size_t length, uint64_t now_ns, struct aggregator *l,
    struct checkpoint_bus *bus)
{
	return decode(bytes, length, now_ns, l, bus);
}

int checkpoint_section_read(
    const char *section, size_t size, struct aggregate *sum, struct trends *trends)
{
	size_t length;
	char *bytes;
	int err = checkpoint_decompress(section, size, &bytes, &length);

	if (err)
		return err;
	err = load_sum(bytes, length, sum, trends);
	free(bytes);
	return err;
}
