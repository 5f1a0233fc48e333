/*
 * bots.c: which bots there are: connected since when, when last heard of, gone silent.
 *
 * A producer is the owner of a lane, which its epoch names. The lane's header says who owns it now
 * (another epoch: that owner is gone), and the kernel whether anybody does. The header is read
 * first: an owner that takes the lane in between makes a gone one look alive until the next look,
 * no longer.
 */
#include "bots.h"
#include "base/now.h"
#include "base/utf8.h"
#include "stats/request_stats.h"

#include <stdlib.h>
#include <string.h>

/* A little less than the second after which an idle caller calls again. */
#define ROUND_NS     (NS_PER_SECOND * 9 / 10)
#define PAUSE_FACTOR 40

struct bots {
	uint32_t count, newest; /* the bot that was noted last: most often the next one too */
	uint32_t look_at;       /* the bot with which the running round goes on */
	uint64_t look_due_ns;   /* CLOCK_MONOTONIC */
	struct bot_known known[BOTS_MAX];
};

struct bots *bots_new(void)
{
	return calloc(1, sizeof(struct bots));
}

void bots_free(struct bots *b)
{
	free(b);
}

/* --- The known ones -----------------------------------------------------------------------------
 */

static struct bot_known *find(struct bots *b, const char *name)
{
	for (uint32_t i = 0; i < b->count; i++)
		if (strcmp(b->known[i].name, name) == 0)
			return &b->known[i];
	return NULL;
}

/* The one to forget: not connected if any is not, and of these heard of longest ago. */
static struct bot_known *oldest(struct bots *b)
{
	struct bot_known *found = &b->known[0];

	for (uint32_t i = 1; i < b->count; i++) {
		struct bot_known *one = &b->known[i];
		bool goes_first = one->producers == 0, found_does = found->producers == 0;

		if (goes_first == found_does ? one->last_seen_ns < found->last_seen_ns : goes_first)
			found = one;
	}
	return found;
}

static struct bot_known *add(struct bots *b, const char *name, size_t length)
{
	struct bot_known *one = b->count < BOTS_MAX ? &b->known[b->count++] : oldest(b);

	memset(one, 0, sizeof(*one));
	memcpy(one->name, name, length);
	return one;
}

static struct bot_known *known_at(struct bots *b, const char *name)
{
	size_t length = strlen(name);
	char cut[ORBUS_TEXT_MAX + 1];
	struct bot_known *one = &b->known[b->newest];

	if (b->count > 0 && strcmp(one->name, name) == 0)
		return one;
	if (length > ORBUS_TEXT_MAX)
		length = utf8_cut(name, length, ORBUS_TEXT_MAX);
	memcpy(cut, name, length);
	cut[length] = '\0';
	one = find(b, cut);
	if (!one)
		one = add(b, cut, length);
	b->newest = (uint32_t)(one - b->known);
	return one;
}

const struct bot_known *bots_known(const struct bots *b, uint32_t *count)
{
	*count = b->count;
	return b->known;
}

struct bot_known *bots_copy(const struct bots *b, uint32_t *count)
{
	struct bot_known *copy = malloc((b->count + 1) * sizeof(*copy));

	*count = 0;
	if (!copy)
		return NULL;
	memcpy(copy, b->known, b->count * sizeof(*copy));
	*count = b->count;
	return copy;
}

const struct bot_known *bots_find(const struct bots *b, const char *name)
{
	return find((struct bots *)(uintptr_t)b, name);
}

void bots_restore(struct bots *b, const struct bot_known *known)
{
	struct bot_known *one = known_at(b, known->name);

	*one = *known;
	if (one->producers > BOT_PRODUCERS_MAX)
		one->producers = BOT_PRODUCERS_MAX;
}

/* --- Producers ----------------------------------------------------------------------------------
 */

/* Puts a producer first, the others behind it; of too many the one heard of longest ago goes. */
static void note_producer(struct bot_known *one, const struct sample_origin *origin, uint64_t ts_ns)
{
	struct bot_producer p = {ts_ns, origin->lane, origin->epoch};
	unsigned place = 0;

	while (place < one->producers &&
	       (one->producer[place].lane != p.lane || one->producer[place].epoch != p.epoch))
		place++;
	if (place < one->producers)
		p = one->producer[place];
	else if (one->producers < BOT_PRODUCERS_MAX)
		one->producers++;
	else
		place--;
	memmove(one->producer + 1, one->producer, place * sizeof(p));
	one->producer[0] = p;
}

void bots_note(struct bots *b, const struct sample_origin *origin, const struct orbus_sample *s)
{
	struct bot_known *one;

	/* An orphaned request is the agent's word, not the bot's. */
	if (s->kind == ORBUS_KIND_REQUEST && s->status == ORBUS_STATUS_ORPHANED)
		return;
	one = known_at(b, s->bot ? s->bot : NAME_UNKNOWN);
	if (one->last_seen_ns < s->ts)
		one->last_seen_ns = s->ts;
	if (s->kind == ORBUS_KIND_REQUEST && one->last_request_ns < s->ts)
		one->last_request_ns = s->ts;
	if (!origin->is_removed)
		note_producer(one, origin, s->ts);
}

void bots_disconnect(struct bots *b)
{
	for (uint32_t i = 0; i < b->count; i++)
		b->known[i].producers = 0;
}

/* One who may not ask the kernel takes it that a lane has an owner. */
static bool is_alive(struct orbus_reader *r, const struct bot_producer *p)
{
	return p->lane < reader_lane_count(r) && reader_lane_epoch(r, p->lane) == p->epoch &&
	       reader_lane_is_owned(r, p->lane) != 0;
}

/* True: a producer was gone. */
static bool look_at(struct bot_known *one, struct orbus_reader *r)
{
	unsigned left = 0, before = one->producers;

	for (unsigned i = 0; i < before; i++)
		if (is_alive(r, &one->producer[i]))
			one->producer[left++] = one->producer[i];
	one->producers = left;
	return left != before;
}

bool bots_look(struct bots *b, struct orbus_reader *r, uint64_t budget_ns)
{
	bool at_once = budget_ns == UINT64_MAX, changed = false;
	uint64_t now_ns = now_ns_of(CLOCK_MONOTONIC);
	uint64_t until_ns = at_once ? UINT64_MAX : now_ns + budget_ns;

	if (!at_once && now_ns < b->look_due_ns)
		return false;
	if (at_once)
		b->look_at = 0;
	while (b->look_at < b->count && now_ns < until_ns) {
		changed |= look_at(&b->known[b->look_at++], r);
		now_ns = now_ns_of(CLOCK_MONOTONIC);
	}
	if (b->look_at < b->count) {
		b->look_due_ns = now_ns + budget_ns * PAUSE_FACTOR;
		return changed;
	}
	b->look_at = 0;
	b->look_due_ns = now_ns + ROUND_NS;
	return changed;
}
