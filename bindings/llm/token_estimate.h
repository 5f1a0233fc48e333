/*
 * token_estimate.h: how many tokens a text probably has, where the API does not say.
 *
 * A text is counted as it passes, never kept. Four characters of English are about one token of the
 * usual vocabularies (OpenAI, "What are tokens and how to count them?"); of accented Latin, Greek,
 * Cyrillic, Hebrew and Arabic about two; a Chinese, Japanese or Korean character or an emoji is
 * about one token by itself. In UTF-8 those are the characters of 1, 2, and 3 or 4 bytes.
 */
#ifndef ORBUS_LLM_TOKEN_ESTIMATE_H
#define ORBUS_LLM_TOKEN_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>

struct token_estimate {
	uint64_t quarters; /* of a token */
};

/* `text` is any piece of UTF-8. */
static inline void token_estimate_add(struct token_estimate *t, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		t->quarters += c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : 4;
	}
}

static inline uint64_t token_estimate_tokens(const struct token_estimate *t)
{
	return (t->quarters + 3) / 4;
}

#endif
