/*
 * echo.h: whether a text that a server sent repeats what the request asked.
 *
 * No prompt enters the bus, and a server can put one into any text that is published: a message, a
 * model's name, an id. So each such text is compared with the request's body, and withheld where it
 * repeats 12 or more consecutive characters of it.
 *
 * What the request asked: every string in its body, at any depth (messages, prompt, input,
 * instructions, arguments of tools, users, metadata, members of later APIs), but the API's own
 * parameters: model(s), provider, service_tier, the roles, types and ids of messages and their
 * parts, the names of tools. Keys of objects are no text. Numbers count for the loose comparison.
 *
 * What repeats means: characters (not bytes) are compared after JSON's escapes are decoded,
 * - by themselves, A to Z as a to z, and each white space as a blank: an exact copy is found;
 * - in texts that are no identifiers also loosely: letters and digits alone, so that other
 *   white space, punctuation, quotes or line breaks make no difference.
 * A text that holds escapes of JSON, HTML or URLs is compared as it is and with them decoded, those
 * of each kind and all, up to three times over. Not found: a translation, a paraphrase, base64, 11
 * characters or fewer.
 *
 * Both are stricter than the rule, which is about exact copies. The words of an API pass in any
 * case: the finish reasons that are documented, and the model that was asked for with up to 11
 * characters after it.
 *
 * A body that is not seen, or is no JSON, cannot be compared with: then a free-form text of 12
 * characters or more is withheld, and a name passes only if it is an identifier (ASCII letters,
 * digits, and - . _ : / @ + ~).
 *
 * Time is linear in the body for any body and texts (see `steps` in echo.c), memory is constant,
 * and nothing is kept. No body is read unless there is a text that could repeat it.
 */
#ifndef ORBUS_LLM_ECHO_H
#define ORBUS_LLM_ECHO_H

#include "echo_text.h"

#include <stdbool.h>
#include <stddef.h>

/* So many at once; longer ones than ECHO_TEXT_MAX bytes are withheld. */
#define ECHO_TEXTS_MAX 8
#define ECHO_TEXT_MAX  336

struct echo_text {
	const char *text; /* UTF-8; NULL: there is none */
	bool free_form;   /* words; false: a name or an id */
	bool withheld;    /* the answer */
};

/* `body` NULL: it was not seen. */
void echo_judge(const char *body, size_t length, struct echo_text *texts, size_t count);

/* Whether a finish reason is one that the APIs document: it is no echo, even if the request has it.
 */
bool echo_is_known_reason(const char *reason);

/* Whether `model` is the one that was asked for, or a version of it. */
bool echo_is_asked_model(const char *model, const char *asked);

#endif
