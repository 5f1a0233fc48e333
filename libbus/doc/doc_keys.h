/*
 * doc_keys.h: the members of an object that are asked for, by a list of their names.
 *
 * For the objects of the checkpoint, which no table of schema.def describes. Keys may come in any
 * order; those that are not in the list are passed over. A key that is there twice makes the source
 * fail.
 *
 *   enum { LANE, TIME };
 *   static const char *const names[] = {"lane", "time"};
 *   struct doc_keys keys = DOC_KEYS(names);
 *
 *   doc_open(s);
 *   while ((key = doc_next_key(s, &keys)) >= 0)
 *           if (key == LANE)
 *                   doc_count(s, &lane);
 *           else
 *                   doc_count(s, &time_ns);
 *   if (!doc_has(&keys, LANE))
 *           doc_fail(s);
 */
#ifndef ORBUS_DOC_DOC_KEYS_H
#define ORBUS_DOC_DOC_KEYS_H

#include "doc_source.h"

#include <errno.h>

struct doc_keys {
	const char *const *names;
	int count;     /* 32 at most */
	int next;      /* as a rule it is the one after the last */
	uint32_t seen; /* by index */
};

#define DOC_KEYS(list)                                                \
	{                                                             \
		(list), (int)(sizeof(list) / sizeof((list)[0])), 0, 0 \
	}

static inline int doc_key_index(const struct doc_keys *k, const struct doc_text *key)
{
	for (int i = k->next; i < k->count; i++)
		if (doc_text_is(key, k->names[i]))
			return i;
	for (int i = 0; i < k->next; i++)
		if (doc_text_is(key, k->names[i]))
			return i;
	return -1;
}

/* The index of the next key that is in the list; its value comes next. -1: there is no more. */
static inline int doc_next_key(struct doc_source *s, struct doc_keys *k)
{
	struct doc_text key;

	while (doc_member(s, &key)) {
		int i = doc_key_index(k, &key);

		if (i < 0) {
			doc_skip(s);
			continue;
		}
		if (k->seen >> i & 1) {
			doc_fail(s);
			return -1;
		}
		k->seen |= UINT32_C(1) << i;
		k->next = i + 1;
		return i;
	}
	return -1;
}

static inline bool doc_has(const struct doc_keys *k, int index)
{
	return k->seen >> index & 1;
}

/* A value as the source has it, to be read by itself, from a source of the same kind. */
struct doc_raw {
	const char *bytes; /* within the input; NULL: there is none */
	size_t length;
};

static inline void doc_take_raw(struct doc_source *s, struct doc_raw *out)
{
	const char *start = s->is_msgpack ? (const char *)s->msgpack.in.at : s->text.at;

	doc_skip(s);
	out->bytes = start;
	out->length =
	    (size_t)((s->is_msgpack ? (const char *)s->msgpack.in.at : s->text.at) - start);
}

/* What reading has come to: 0, -EBADMSG. */
static inline int doc_result(const struct doc_source *s)
{
	return doc_failed(s) ? -EBADMSG : 0;
}

#endif
