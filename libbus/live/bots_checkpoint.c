/*
 * bots_checkpoint.c: the known bots, as the agent's checkpoint holds them.
 */
#include "bots.h"
#include "doc/doc_keys.h"

#include <string.h>

enum { NAME, LAST_SEEN, LAST_REQUEST, PRODUCERS };
static const char *const names[] = {"name", "last_seen", "last_request", "producers"};
enum { SINCE, LANE, EPOCH };
static const char *const producer_names[] = {"since", "lane", "epoch"};

void bots_write(const struct bots *b, struct writer *w, const char *key)
{
	uint32_t count;
	const struct bot_known *bots = bots_known(b, &count);

	writer_array(w, key);
	for (uint32_t i = 0; i < count; i++) {
		writer_object(w, NULL);
		writer_text(w, names[NAME], bots[i].name);
		writer_count(w, names[LAST_SEEN], bots[i].last_seen_ns);
		writer_count(w, names[LAST_REQUEST], bots[i].last_request_ns);
		writer_array(w, names[PRODUCERS]);
		for (unsigned k = 0; k < bots[i].producers; k++) {
			writer_object(w, NULL);
			writer_count(w, producer_names[SINCE], bots[i].producer[k].since_ns);
			writer_count(w, producer_names[LANE], bots[i].producer[k].lane);
			writer_count(w, producer_names[EPOCH], bots[i].producer[k].epoch);
			writer_end(w);
		}
		writer_end(w);
		writer_end(w);
	}
	writer_end(w);
}

static void read_producer(struct doc_source *s, struct bot_known *bot)
{
	struct doc_keys keys = DOC_KEYS(producer_names);
	uint64_t since = 0, lane = 0, epoch = 0;
	int key;

	doc_open(s);
	while ((key = doc_next_key(s, &keys)) >= 0) {
		switch (key) {
		case SINCE: doc_count(s, &since); break;
		case LANE: doc_count(s, &lane); break;
		case EPOCH: doc_count(s, &epoch); break;
		}
	}
	if (lane >= ORBUS_LANES_MAX || epoch > UINT32_MAX || bot->producers == BOT_PRODUCERS_MAX) {
		doc_fail(s);
		return;
	}
	bot->producer[bot->producers++] =
	    (struct bot_producer){since, (uint32_t)lane, (uint32_t)epoch};
}

static void read_bot(struct doc_source *s, struct bots *b)
{
	struct doc_keys keys = DOC_KEYS(names);
	struct bot_known bot = {.name = ""};
	struct doc_text text;
	int key;

	doc_open(s);
	while ((key = doc_next_key(s, &keys)) >= 0) {
		switch (key) {
		case NAME:
			doc_text(s, &text);
			if (!doc_text_cut(&text, bot.name, sizeof(bot.name)))
				doc_fail(s);
			break;
		case LAST_SEEN: doc_count(s, &bot.last_seen_ns); break;
		case LAST_REQUEST: doc_count(s, &bot.last_request_ns); break;
		case PRODUCERS:
			doc_open_array(s);
			while (doc_item(s))
				read_producer(s, &bot);
			break;
		}
	}
	if (!doc_has(&keys, NAME))
		doc_fail(s);
	if (!doc_failed(s))
		bots_restore(b, &bot);
}

int bots_read(struct bots *b, struct doc_source *s)
{
	unsigned count = 0;

	doc_open_array(s);
	while (doc_item(s)) {
		if (++count > BOTS_MAX)
			doc_fail(s);
		else
			read_bot(s, b);
	}
	return doc_result(s);
}
