/*
 * unknown_keys.c: keys of JSON lines that no sample has.
 */
#include "unknown_keys.h"
#include "base/nearest.h"
#include "base/text_safe.h"
#include "sample/fields.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define KEY(text)         {sizeof(text) - 1, text},
#define NAME(type, field) KEY(#field)
/* The last two are what ortail --json adds to a sample: it may be published again. */
static const struct known_key {
	size_t bytes;
	const char *name;
} known[] = {KEY("ts") KEY("kind") KEY("status") KEY("tags") ORBUS_SAMPLE_FIELDS(NAME) KEY("tps")
	KEY("decode_tps")};

#define KNOWN_COUNT (sizeof(known) / sizeof(known[0]))

/* Of each key of each line: lengths tell nearly all of them apart. */
static bool is_known(const char *key)
{
	size_t bytes = strlen(key);

	for (size_t i = 0; i < KNOWN_COUNT; i++)
		if (known[i].bytes == bytes && memcmp(known[i].name, key, bytes) == 0)
			return true;
	return false;
}

/* True where it was said before. Else it is noted, as far as there is room. */
static bool was_said(struct unknown_keys *k, const char *key)
{
	for (size_t i = 0; i < k->count; i++)
		if (strncmp(k->said[i], key, UNKNOWN_KEY_LENGTH) == 0)
			return true;
	if (k->count < UNKNOWN_KEYS_MAX)
		snprintf(k->said[k->count], sizeof(k->said[0]), "%s", key);
	k->count++;
	return false;
}

static void say(const char *key, unsigned long line)
{
	struct nearest n = nearest_begin(key, strlen(key));
	char cut[UNKNOWN_KEY_LENGTH + 1], shown[4 * UNKNOWN_KEY_LENGTH + 1];

	for (size_t i = 0; i < KNOWN_COUNT; i++)
		nearest_offer(&n, known[i].name, known[i].bytes);
	snprintf(cut, sizeof(cut), "%s", key);
	text_sanitise(shown, sizeof(shown), cut);
	if (n.found)
		fprintf(stderr,
		    "orpub: line %lu: unknown key '%s' (did you mean '%s'?): published without it\n",
		    line, shown, n.found);
	else
		fprintf(stderr, "orpub: line %lu: unknown key '%s': published without it\n", line,
		    shown);
}

void unknown_keys_look(struct unknown_keys *k, const json_t *object, unsigned long line)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (is_known(key) || k->count > UNKNOWN_KEYS_MAX || was_said(k, key))
			continue;
		if (k->count > UNKNOWN_KEYS_MAX)
			fprintf(stderr,
			    "orpub: line %lu: more unknown keys; no more of them are named\n",
			    line);
		else
			say(key, line);
	}
}
