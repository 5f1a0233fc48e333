/*
 * secret.h: keys that a server may repeat, and that no text of its own may bring onto the bus.
 *
 * It knows keys by what the program sent (`secrets`: one a line) and by their look:
 * as those of vendors begin ("sk-", "AIza", "hf_", ...: the table in secret.c), and what
 * follows "Bearer" or "Basic". A key of another look, which the program did not send, is not known.
 * The steps of every loop are bounded by the lengths of its arguments, for any bytes.
 */
#ifndef ORBUS_LLM_SECRET_H
#define ORBUS_LLM_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * In a message, a run of SECRET_RUN characters of a key is hidden; of a shorter key all of it, if
 * it has SECRET_LEAST. A name is withheld only for a run of SECRET_IN_NAME: keys of local servers
 * are words ("ollama") that names of models contain.
 */
#define SECRET_RUN     8
#define SECRET_LEAST   4
#define SECRET_IN_NAME 12

/* Room for the secrets that a URL holds. */
#define SECRET_URL_BYTES 2048

/*
 * Overwrites with asterisks what a message may not say of a secret, also the beginning of one that
 * the text's end cuts, and what looks like a key. `secrets` may be NULL.
 */
void secret_mask(char *text, const char *secrets);

/* Whether a name holds SECRET_IN_NAME characters of a secret, or what looks like a key. */
bool secret_is_in(const char *name, const char *secrets);

/*
 * The secrets in a URL, one a line: the password (or the user's name where it stands alone), and
 * the values of the query's parameters that are named like keys; as they are, and with their
 * escapes decoded. "" where there are none; what has no room is cut.
 */
void secret_of_url(const char *url, char out[SECRET_URL_BYTES]);

#endif
