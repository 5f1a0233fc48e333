/*
 * inflight_checkpoint.c: requests in flight, as the agent's checkpoint holds them.
 */
#include "doc/doc_keys.h"
#include "inflight.h"
#include "inflight_entry.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

/*
 * An entry is packed by hand, in a fraction of the time that the writer takes for its nine values:
 * all of them are written while the ring waits. Its keys are constants; texts are shorter than 256
 * bytes.
 */
#define ENTRY_KEYS 9
static_assert(INFLIGHT_TEXT_BYTES <= UINT8_MAX, "texts are packed with a length of a byte");

struct packed {
	char bytes[192 + 4 * INFLIGHT_TEXT_BYTES];
	size_t length;
};

static void pack_bytes(struct packed *p, const void *bytes, size_t length)
{
	memcpy(p->bytes + p->length, bytes, length);
	p->length += length;
}

static void pack_byte(struct packed *p, uint8_t byte)
{
	p->bytes[p->length++] = (char)byte;
}

/* The length of a constant is known to the compiler. */
#define pack_key(p, key)                                \
	do {                                            \
		pack_byte(p, 0xa0 | (sizeof(key) - 1)); \
		pack_bytes(p, key, sizeof(key) - 1);    \
	} while (0)

static void pack_count(struct packed *p, uint64_t n)
{
	uint64_t big_endian = htobe64(n < INT64_MAX ? n : INT64_MAX);

	pack_byte(p, 0xcf);
	pack_bytes(p, &big_endian, sizeof(big_endian));
}

static void pack_text(struct packed *p, const char *text)
{
	size_t length;

	if (!text) {
		pack_byte(p, 0xc0);
		return;
	}
	length = strlen(text);
	pack_byte(p, 0xd9);
	pack_byte(p, (uint8_t)length);
	pack_bytes(p, text, length);
}

static void pack_entry(struct packed *p, const struct inflight_entry *e)
{
	p->length = 0;
	pack_byte(p, 0x80 | ENTRY_KEYS);
	pack_key(p, "lane");
	pack_count(p, e->lane);
	pack_key(p, "epoch");
	pack_count(p, e->epoch);
	pack_key(p, "ts");
	pack_count(p, e->ts);
	pack_key(p, "since");
	pack_count(p, e->since_s);
	pack_key(p, "stream");
	pack_byte(p, e->stream ? 0xc3 : 0xc2);
	pack_key(p, "request_id");
	pack_text(p, e->texts);
	pack_key(p, "bot");
	pack_text(p, inflight_entry_text(e, e->bot));
	pack_key(p, "model");
	pack_text(p, inflight_entry_text(e, e->model));
	pack_key(p, "provider");
	pack_text(p, inflight_entry_text(e, e->provider));
}

void inflight_write(const struct inflight *f, struct msgpack_writer *m, const char *key)
{
	struct packed p;

	writer_array(&m->writer, key);
	for (const struct inflight_entry *e = inflight_first(f); e; e = inflight_next(f, e)) {
		pack_entry(&p, e);
		msgpack_writer_splice(m, NULL, p.bytes, p.length);
	}
	writer_end(&m->writer);
}

/* A text that may be missing. */
static const char *take_text(struct doc_source *s, char out[static ORBUS_TEXT_MAX + 1])
{
	struct doc_text text;

	if (doc_kind(s) == 'n') {
		doc_skip(s);
		return NULL;
	}
	doc_text(s, &text);
	if (!doc_text_cut(&text, out, ORBUS_TEXT_MAX + 1))
		doc_fail(s);
	return out;
}

static int read_entry(struct inflight *f, struct doc_source *s)
{
	enum { LANE, EPOCH, TS, SINCE, STREAM, REQUEST_ID, BOT, MODEL, PROVIDER };
	static const char *const names[] = {
	    "lane", "epoch", "ts", "since", "stream", "request_id", "bot", "model", "provider"};
	const uint32_t must = 1u << LANE | 1u << EPOCH | 1u << TS | 1u << STREAM | 1u << REQUEST_ID;
	struct doc_keys keys = DOC_KEYS(names);
	char id[ORBUS_TEXT_MAX + 1], bot[ORBUS_TEXT_MAX + 1], model[ORBUS_TEXT_MAX + 1];
	char provider[ORBUS_TEXT_MAX + 1];
	uint64_t lane = 0, epoch = 0, since = UINT64_MAX; /* earlier versions had none */
	struct sample_origin origin = {0};
	struct orbus_sample begin;
	int key;

	orbus_sample_init(&begin);
	begin.kind = ORBUS_KIND_BEGIN;
	doc_open(s);
	while ((key = doc_next_key(s, &keys)) >= 0) {
		switch (key) {
		case LANE: doc_count(s, &lane); break;
		case EPOCH: doc_count(s, &epoch); break;
		case TS: doc_count(s, &begin.ts); break;
		case SINCE: doc_count(s, &since); break;
		case STREAM: doc_bool(s, &begin.stream); break;
		case REQUEST_ID: begin.request_id = take_text(s, id); break;
		case BOT: begin.bot = take_text(s, bot); break;
		case MODEL: begin.requested_model = take_text(s, model); break;
		case PROVIDER: begin.provider = take_text(s, provider); break;
		}
	}
	if (doc_failed(s) || (keys.seen & must) != must || !begin.request_id ||
	    lane >= ORBUS_LANES_MAX || epoch > UINT32_MAX)
		return -EBADMSG;
	origin.lane = (uint32_t)lane;
	origin.epoch = (uint32_t)epoch;
	return inflight_note_since(f, &origin, &begin, since) ? 0 : -ENOMEM;
}

int inflight_read(struct inflight *f, struct doc_source *s)
{
	int err = 0;

	doc_open_array(s);
	while (!err && doc_item(s))
		err = read_entry(f, s);
	return err ? err : doc_result(s);
}
