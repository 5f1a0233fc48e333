/*
 * trend_hours.c: messages and errors of the last hours.
 */
#include "trend_hours.h"
#include "doc/doc_keys.h"

#include <math.h>
#include <string.h>

#define MESSAGES "messages_processed"
/* Of 64 bits of nanoseconds, more than there are. */
#define HOURS_MAX (INT64_C(1) << 40)

void trend_hours_init(struct trend_hours *h)
{
	memset(h, 0, sizeof(*h));
	h->first = INT64_MAX;
	h->newest = INT64_MIN;
}

static uint64_t messages_of(const struct aggregate *a)
{
	double n = aggregate_count(a, MESSAGES);

	if (!(n > 0))
		return 0;
	return n < 0x1p62 ? (uint64_t)n : UINT64_C(1) << 62;
}

/* Hours before 1970, where clocks on the wall are behind UTC, are negative. */
static size_t place_of(int64_t hour)
{
	int64_t place = hour % TREND_HOURS_KEPT;

	return (size_t)(place < 0 ? place + TREND_HOURS_KEPT : place);
}

/* Enters the hours up to `hour`, forgetting those a round older. */
static void advance(struct trend_hours *h, int64_t hour)
{
	int64_t from = h->newest + 1;

	if (h->first == INT64_MAX)
		h->first = from = hour;
	if (from <= hour - TREND_HOURS_KEPT)
		from = hour - TREND_HOURS_KEPT + 1;
	for (int64_t i = from; i <= hour; i++)
		h->messages[place_of(i)] = h->errors[place_of(i)] = 0;
	h->newest = hour;
	if (h->first < hour - TREND_HOURS_KEPT + 1)
		h->first = hour - TREND_HOURS_KEPT + 1;
}

void trend_hours_add(struct trend_hours *h, int64_t hour, const struct aggregate *delta)
{
	if (hour > h->newest || h->first == INT64_MAX)
		advance(h, hour);
	if (hour <= h->newest - TREND_HOURS_KEPT)
		return;
	while (h->first > hour) {
		h->first--;
		h->messages[place_of(h->first)] = h->errors[place_of(h->first)] = 0;
	}
	h->messages[place_of(hour)] = count_add(h->messages[place_of(hour)], messages_of(delta));
	h->errors[place_of(hour)] =
	    count_add(h->errors[place_of(hour)], request_stats_failed(&delta->requests));
}

static bool is_kept(const struct trend_hours *h, int64_t hour)
{
	return hour >= h->first && hour <= h->newest;
}

void trend_hours_turn_back(struct trend_hours *h, int64_t hour)
{
	/* Within a day it may be a clock that is set by a little, and what is known stays. */
	if (h->first == INT64_MAX || h->newest <= hour + TREND_HOURS)
		return;
	if (h->first > hour)
		trend_hours_init(h);
	else
		h->newest = hour;
}

bool trend_hours_get(const struct trend_hours *h, int64_t hour, struct trends *out)
{
	int64_t from = hour - TREND_HOURS > h->first ? hour - TREND_HOURS : h->first;

	/* A whole day back must be known, or else be before the beginning of all records. */
	if (h->first != INT64_MAX && hour <= h->newest - TREND_HOURS_KEPT + TREND_HOURS)
		return false;
	memset(out, 0, sizeof(*out));
	for (int64_t i = from; h->first != INT64_MAX && i < hour; i++, out->hours++) {
		if (is_kept(h, i)) {
			out->messages[out->hours] = h->messages[place_of(i)];
			out->errors[out->hours] = h->errors[place_of(i)];
		}
	}
	if (is_kept(h, hour)) {
		out->current_messages = h->messages[place_of(hour)];
		out->current_errors = h->errors[place_of(hour)];
	}
	return true;
}

void trends_add(struct trends *t, int64_t current_hour, int64_t hour, const struct aggregate *delta)
{
	uint64_t messages = messages_of(delta), errors = request_stats_failed(&delta->requests);
	int64_t back = current_hour - hour;

	if (back == 0) {
		t->current_messages = count_add(t->current_messages, messages);
		t->current_errors = count_add(t->current_errors, errors);
	} else if (back > 0 && back <= t->hours) {
		t->messages[t->hours - back] = count_add(t->messages[t->hours - back], messages);
		t->errors[t->hours - back] = count_add(t->errors[t->hours - back], errors);
	}
}

void trend_hours_write(const struct trend_hours *h, struct writer *w, const char *key)
{
	writer_object(w, key);
	writer_integer(w, "first", h->first == INT64_MAX ? 0 : h->first);
	writer_array(w, "hours");
	for (int64_t i = h->first; i <= h->newest && h->first != INT64_MAX; i++) {
		writer_array(w, NULL);
		writer_count(w, NULL, h->messages[place_of(i)]);
		writer_count(w, NULL, h->errors[place_of(i)]);
		writer_end(w);
	}
	writer_end(w);
	writer_end(w);
}

void trend_hours_shift(struct trend_hours *h, int64_t hours)
{
	struct trend_hours moved;

	if (h->first == INT64_MAX || hours == 0)
		return;
	trend_hours_init(&moved);
	for (int64_t i = h->first; i <= h->newest; i++) {
		advance(&moved, i + hours);
		moved.messages[place_of(i + hours)] = h->messages[place_of(i)];
		moved.errors[place_of(i + hours)] = h->errors[place_of(i)];
	}
	*h = moved;
}

/* Messages and errors of hours that follow each other: how many. */
static size_t read_hours(struct doc_source *s, uint64_t hours[TREND_HOURS_KEPT][2])
{
	size_t n = 0;

	doc_open_array(s);
	while (doc_item(s)) {
		if (n == TREND_HOURS_KEPT || doc_counts(s, hours[n], 2) != 2)
			doc_fail(s);
		else
			n++;
	}
	return n;
}

int trend_hours_read(struct trend_hours *h, struct doc_source *s)
{
	enum { FIRST, HOURS };
	static const char *const names[] = {"first", "hours"};
	struct doc_keys keys = DOC_KEYS(names);
	uint64_t hours[TREND_HOURS_KEPT][2];
	int64_t first = 0;
	size_t count = 0;
	int key;

	trend_hours_init(h);
	doc_open(s);
	while ((key = doc_next_key(s, &keys)) >= 0) {
		if (key == FIRST)
			doc_integer(s, &first);
		else
			count = read_hours(s, hours);
	}
	if (doc_failed(s) || !doc_has(&keys, FIRST) || !doc_has(&keys, HOURS) ||
	    first < -HOURS_MAX || first > HOURS_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++) {
		int64_t hour = first + (int64_t)i;

		advance(h, hour);
		h->messages[place_of(hour)] = hours[i][0];
		h->errors[place_of(hour)] = hours[i][1];
	}
	return 0;
}
