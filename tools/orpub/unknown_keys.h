/*
 * unknown_keys.h: keys of JSON lines that no sample has: said once a key, with the one that may
 * have been meant. Readers pass over keys that they do not know, so the line is published without
 * them.
 */
#ifndef ORBUS_ORPUB_UNKNOWN_KEYS_H
#define ORBUS_ORPUB_UNKNOWN_KEYS_H

#include <jansson.h>
#include <stddef.h>

#define UNKNOWN_KEYS_MAX   32
#define UNKNOWN_KEY_LENGTH 64

struct unknown_keys {
	char said[UNKNOWN_KEYS_MAX][UNKNOWN_KEY_LENGTH + 1]; /* cut; as they came */
	size_t count;
};

/* Prints on standard error what is unknown in the object of that line and was not said before. */
void unknown_keys_look(struct unknown_keys *k, const json_t *object, unsigned long line);

#endif
