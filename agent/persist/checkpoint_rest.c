/*
 * checkpoint_rest.c: what the checkpoint holds of the aggregator beside its periods.
 */
#include "checkpoint_rest.h"
#include "base/wall_time.h"
#include "doc/doc_keys.h"
#include "doc/doc_read.h"

/* Between any two time zones. */
#define ZONES_S (26 * 3600)

enum {
	IN_FLIGHT,
	INDEX,
	HOURS,
	GIVEN,
	LAST_REQUEST,
	HOURS_AT,
	HOURS_WALL,
	LIFETIME,
	LIFETIME_SINCE,
	BOTS,
	REST_KEYS
};
/* The index is not "periods", which version 1 has for another thing. */
static const char *const names[REST_KEYS] = {"in_flight", "period_index", "hours", "given",
    "last_request", "hours_at", "hours_wall", "lifetime", "lifetime_since", "bots"};

static const char *const kind_names[PERIOD_KINDS] = {
    [PERIOD_HOURLY] = "hourly", [PERIOD_DAILY] = "daily"};

char *checkpoint_rest_write(const struct aggregator *l, uint64_t now_ns, size_t *length)
{
	const struct document_context c = {.restorable = true};
	struct msgpack_writer m;
	struct writer *w = &m.writer;

	msgpack_writer_init(&m);
	writer_object(w, NULL);
	inflight_write(l->inflight, &m, names[IN_FLIGHT]);
	writer_object(w, names[INDEX]);
	for (int kind = 0; kind < PERIOD_KINDS; kind++)
		period_index_write(&l->periods.index[kind], w, kind_names[kind]);
	writer_end(w);
	trend_hours_write(&l->hours, w, names[HOURS]);
	given_times_prune(l->given, now_ns);
	given_times_write(l->given, w, names[GIVEN]);
	writer_count(w, names[LAST_REQUEST], l->last_request_ns);
	/* The numbers of hours are of what clocks on the wall show. */
	writer_count(w, names[HOURS_AT], now_ns);
	writer_integer(w, names[HOURS_WALL], wall_seconds_at(l->periods.calendar.utc, now_ns));
	document_write(w, names[LIFETIME], &l->lifetime, &c);
	writer_count(w, names[LIFETIME_SINCE], l->lifetime_since_ns);
	bots_write(l->bots, w, names[BOTS]);
	writer_end(w);
	return msgpack_writer_take(&m, length);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static int read_index(struct doc_source *s, struct periods *p)
{
	struct doc_keys keys = DOC_KEYS(kind_names);
	int kind, err = 0;

	p->indexed = true;
	doc_open(s);
	while (!err && (kind = doc_next_key(s, &keys)) >= 0)
		err = period_index_read(&p->index[kind], s);
	if (!err && !(doc_has(&keys, PERIOD_HOURLY) && doc_has(&keys, PERIOD_DAILY)))
		err = -EBADMSG;
	return err ? err : doc_result(s);
}

/* What is read in passing, and used when all has been. */
struct reading {
	uint64_t hours_at;
	int64_t hours_wall;
	struct doc_raw lifetime;
};

static int read_member(struct doc_source *s, int key, struct aggregator *l, struct reading *r)
{
	switch (key) {
	case IN_FLIGHT: return inflight_read(l->inflight, s);
	case INDEX: return read_index(s, &l->periods);
	case HOURS: return trend_hours_read(&l->hours, s);
	case GIVEN: return given_times_read(l->given, s);
	case LAST_REQUEST:
		doc_count(s, &l->last_request_ns);
		l->last_is_restored = true;
		break;
	case HOURS_AT: doc_count(s, &r->hours_at); break;
	case HOURS_WALL: doc_integer(s, &r->hours_wall); break;
	case LIFETIME: doc_take_raw(s, &r->lifetime); break;
	case LIFETIME_SINCE: doc_count(s, &l->lifetime_since_ns); break;
	case BOTS: return bots_read(l->bots, s);
	}
	return doc_result(s);
}

/* What clocks here showed when it was written, beside what they showed where it was written. */
static void shift_hours(struct aggregator *l, const struct reading *r)
{
	int64_t apart;

	if (__builtin_sub_overflow(
		wall_seconds_at(l->periods.calendar.utc, r->hours_at), r->hours_wall, &apart) ||
	    apart < -ZONES_S || apart > ZONES_S)
		return;
	/* To the nearest hour, where zones differ by half ones. */
	trend_hours_shift(&l->hours, (apart + (apart < 0 ? -1800 : 1800)) / 3600);
}

int checkpoint_rest_read(const char *bytes, size_t length, struct aggregator *l)
{
	/*
	 * Earlier versions do not have the others. Without the index, it is made of the files;
	 * without the last request, the ring tells; without given times, a sample without a time of
	 * its own is in no window; without bots, none is known; without the clock, hours are taken
	 * to be of this zone.
	 */
	const uint32_t must = 1u << IN_FLIGHT | 1u << HOURS | 1u << LIFETIME | 1u << LIFETIME_SINCE;
	struct doc_keys keys = DOC_KEYS(names);
	struct reading r = {0};
	struct doc_source s;
	int key, err = 0;

	given_times_forget(l->given);
	doc_source_msgpack(&s, bytes, length);
	doc_open(&s);
	while (!err && (key = doc_next_key(&s, &keys)) >= 0)
		err = read_member(&s, key, l, &r);
	if (err)
		return err;
	doc_end(&s);
	if (doc_failed(&s) || (keys.seen & must) != must)
		return -EBADMSG;
	if (doc_has(&keys, HOURS_AT) && doc_has(&keys, HOURS_WALL))
		shift_hours(l, &r);
	return document_from_msgpack(
	    r.lifetime.bytes, r.lifetime.length, DOCUMENT_ALL, NULL, NULL, &l->lifetime);
}
