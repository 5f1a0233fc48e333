/*
 * key_id.h: a name for an API key that tells keys apart and tells nobody the key.
 */
#ifndef ORBUS_LLM_KEY_ID_H
#define ORBUS_LLM_KEY_ID_H

#include <stddef.h>

#define KEY_ID_BYTES 9 /* with its NUL */

/* The first 8 hex digits of the key's SHA-256. */
void key_id_of(const char *key, size_t length, char out[KEY_ID_BYTES]);

#endif
