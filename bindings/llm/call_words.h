/*
 * call_words.h: which words of a server enter a call's sample: names, ids and messages without
 * keys, and none that repeats the request.
 *
 * What repeats, and what is a key, is for echo.h and secret.h to say.
 */
#ifndef ORBUS_LLM_CALL_WORDS_H
#define ORBUS_LLM_CALL_WORDS_H

#include "call_state.h"

/* At the end of a call whose outcome is known: fills in the sample's ids, names and message. */
void call_fill_in_words(
    struct llm_call *x, struct orbus_sample *s, const struct llm_call_result *result);

/*
 * For requests that a program times itself: what of a server's message, UTF-8 that an exception
 * kept, may be published, by `request` (NULL: it cannot be seen), `secrets` and `url` of what was
 * asked. False: nothing.
 */
bool llm_call_quote(
    const struct llm_call_options *asked, const char *said, char out[OUTCOME_MESSAGE_BYTES]);

#endif
