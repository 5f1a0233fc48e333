/*
 * keys.h: a sample's keys by name, for templates and conditions: those of its JSON, and those
 * computed from them.
 */
#ifndef ORBUS_ORTAIL_KEYS_H
#define ORBUS_ORTAIL_KEYS_H

#include "common/print.h"
#include "orbus.h"

enum key_type { KEY_TEXT, KEY_COUNT, KEY_FIGURE, KEY_TIME };

/* A key that a template or a condition names. */
struct sample_key {
	const struct key_row *row;
	char *tag; /* of tags.NAME: NAME, malloc'ed; else NULL */
};

struct key_value {
	const char *text; /* of a KEY_TEXT; NULL: absent */
	uint64_t count;   /* of a KEY_COUNT, and of a KEY_TIME in ns; ORBUS_NONE: absent */
	double figure;    /* of a KEY_FIGURE; NaN: absent */
	char space[4096]; /* where a text that had to be put together lies */
};

/*
 * Finds the key that `name` names. 0, -ENOMEM, or -EINVAL with a message that offers what it may
 * have been meant to be.
 */
int key_find(
    const char *name, size_t length, struct sample_key *out, char *error, size_t error_bytes);
void key_free(struct sample_key *key);

const char *key_name(const struct sample_key *key);
enum key_type key_type(const struct sample_key *key);

/* Of a text that is one of a few: "ok|error"; else NULL. */
const char *key_choices(const struct sample_key *key);

/* Decimals of a figure as people read it; -1: as many as there are. */
int key_decimals(const struct sample_key *key);

/* Of a KEY_TIME, strftime()'s format for local time; NULL: RFC 3339 in UTC. */
const char *key_time_format(const struct sample_key *key);

/* Reads it; false where the sample has none. Texts are as they came: not sanitised. */
bool key_read(const struct sample_key *key, const struct orbus_sample *s, struct key_value *value);

/* The colour that its value deserves. */
enum tone key_tone(const struct sample_key *key, const struct orbus_sample *s);

#endif
