/*
 * request_body.c: what a request's body asks for.
 */
#include "request_body.h"
#include "base/utf8.h"
#include "json_push.h"

#include <string.h>

enum place {
	ROOT = JSON_ROOT,
	MESSAGES,
	MESSAGE,
	CONTENT,
	CONTENT_PART,
	TEXT,
	PROMPT,
	MODEL,
	STREAM,
};

/* An image's bytes are no text: of a content's parts, only `text` is counted. */
static const struct json_rule rules[] = {
    JSON_MEMBER(ROOT, MODEL, "model"),
    JSON_MEMBER(ROOT, STREAM, "stream"),
    JSON_MEMBER(ROOT, MESSAGES, "messages"),
    JSON_MEMBER(ROOT, PROMPT, "prompt"),
    JSON_ELEMENT(MESSAGES, MESSAGE),
    JSON_MEMBER(MESSAGE, CONTENT, "content"),
    JSON_ELEMENT(CONTENT, CONTENT_PART),
    JSON_MEMBER(CONTENT_PART, TEXT, "text"),
};

static void take_event(
    void *data, uint8_t place, enum json_event event, const char *bytes, size_t length)
{
	struct request_body *q = data;
	size_t used = strlen(q->model), n;

	q->has_messages |= place == MESSAGES;
	q->has_prompt |= place == PROMPT;
	if (place == STREAM && event == JSON_SAW_LITERAL) {
		q->stream = *bytes == 't';
	} else if ((place == TEXT || place == PROMPT || place == CONTENT) &&
		   event == JSON_SAW_TEXT) {
		token_estimate_add(&q->prompt, bytes, length);
	} else if (place == MODEL && event == JSON_SAW_TEXT) {
		n = utf8_cut(bytes, length, sizeof(q->model) - 1 - used);
		memcpy(q->model + used, bytes, n);
	}
}

static const struct json_plan plan = {
    .rules = rules, .count = sizeof(rules) / sizeof(rules[0]), .sink = take_event};

void request_body_read(struct request_body *q, const char *body, size_t length)
{
	struct json_scan scan;

	memset(q, 0, sizeof(*q));
	json_scan_init(&scan, &plan, q);
	q->is_read = json_scan_feed(&scan, body, length) == 0 && json_scan_end(&scan) == 0;
	if (!q->is_read)
		memset(q, 0, sizeof(*q));
}
