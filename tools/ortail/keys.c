/*
 * keys.c: the keys of a sample by name.
 */
#include "keys.h"
#include "base/nearest.h"
#include "base/ratings.h"
#include "sample/fields.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define TAG_PREFIX  "tags."

typedef void derive_fn(const struct orbus_sample *s, struct key_value *v);
typedef enum tone tone_fn(const struct orbus_sample *s);

struct key_row {
	const char *name;
	enum key_type type;
	derive_fn *derive; /* NULL: the field at `offset` */
	size_t offset;
	int decimals;
	const char *time_format;
	tone_fn *tone;       /* NULL: plain */
	const char *choices; /* of a text that is one of a few: they, with | between */
};

/* --- What follows from a sample's fields ------------------------------------------------------ */

static void derive_kind(const struct orbus_sample *s, struct key_value *v)
{
	v->text = orbus_kind_name(s->kind);
}

static void derive_status(const struct orbus_sample *s, struct key_value *v)
{
	v->text = s->kind == ORBUS_KIND_REQUEST ? orbus_status_name(s->status) : NULL;
}

static void derive_level(const struct orbus_sample *s, struct key_value *v)
{
	if (s->kind != ORBUS_KIND_REQUEST)
		v->text = "DEBUG";
	else if (s->status == ORBUS_STATUS_OK)
		v->text = "INFO";
	else
		v->text = s->status == ORBUS_STATUS_CANCELLED ? "WARNING" : "ERROR";
}

static void derive_any_model(const struct orbus_sample *s, struct key_value *v)
{
	v->text = s->model ? s->model : s->requested_model ? s->requested_model : s->name;
}

static void derive_rating(const struct orbus_sample *s, struct key_value *v)
{
	v->text = isnan(s->response_ms) ? NULL : rate_response_ms(s->response_ms).word;
}

static void derive_stream(const struct orbus_sample *s, struct key_value *v)
{
	v->text = s->stream ? "true" : "false";
}

static void derive_tokens_estimated(const struct orbus_sample *s, struct key_value *v)
{
	v->text = s->tokens_estimated ? "true" : "false";
}

static void derive_cost_estimated(const struct orbus_sample *s, struct key_value *v)
{
	v->text = s->cost_estimated ? "true" : "false";
}

static void derive_tags(const struct orbus_sample *s, struct key_value *v)
{
	size_t used = 0;

	v->space[0] = '\0';
	for (size_t i = 0; i < s->tag_count && used < sizeof(v->space); i++)
		used += (size_t)snprintf(v->space + used, sizeof(v->space) - used, "%s%s=%s",
		    i ? "," : "", s->tags[i].key, s->tags[i].value);
	v->text = s->tag_count ? v->space : NULL;
}

static void derive_start(const struct orbus_sample *s, struct key_value *v)
{
	double ns = s->kind == ORBUS_KIND_BEGIN ? 0 : s->response_ms * 1e6;

	/* Written so that an unknown duration, or one from before 1970, is none. */
	if (ns <= (double)s->ts && ns < 0x1p63)
		v->count = s->ts - (uint64_t)ns;
}

static void derive_ts(const struct orbus_sample *s, struct key_value *v)
{
	v->count = s->ts;
}

static void derive_tps(const struct orbus_sample *s, struct key_value *v)
{
	v->figure = orbus_sample_tps(s);
}

static void derive_decode_tps(const struct orbus_sample *s, struct key_value *v)
{
	v->figure = orbus_sample_decode_tps(s);
}

static void derive_response_s(const struct orbus_sample *s, struct key_value *v)
{
	v->figure = s->response_ms / 1000;
}

static void derive_ttft_s(const struct orbus_sample *s, struct key_value *v)
{
	v->figure = s->ttft_ms / 1000;
}

/* --- Colours ---------------------------------------------------------------------------------- */

static enum tone tone_of_status(const struct orbus_sample *s)
{
	if (s->kind != ORBUS_KIND_REQUEST)
		return TONE_FAINT;
	if (s->status == ORBUS_STATUS_OK)
		return TONE_GOOD;
	return s->status == ORBUS_STATUS_CANCELLED ? TONE_POOR : TONE_BAD;
}

static enum tone tone_of_response(const struct orbus_sample *s)
{
	return rate_response_ms(s->response_ms).tone;
}

static enum tone tone_of_ttft(const struct orbus_sample *s)
{
	return rate_ttft_ms(s->ttft_ms).tone;
}

static enum tone tone_of_tps(const struct orbus_sample *s)
{
	return rate_tps(orbus_sample_tps(s)).tone;
}

/* --- The table -------------------------------------------------------------------------------- */

#define ROW_STRING(f) {.name = #f, .type = KEY_TEXT, .offset = offsetof(struct orbus_sample, f)},
#define ROW_BOOL(f)   {.name = #f, .type = KEY_TEXT, .derive = derive_##f, .choices = "true|false"},
#define ROW_UINT(f)   {.name = #f, .type = KEY_COUNT, .offset = offsetof(struct orbus_sample, f)},
#define ROW_DOUBLE(f)                                   \
	{.name = #f,                                    \
	    .type = KEY_FIGURE,                         \
	    .offset = offsetof(struct orbus_sample, f), \
	    .decimals = DECIMALS_##f,                   \
	    .tone = TONE_##f},
#define ROW(type, f) ROW_##type(f)

#define DECIMALS_response_ms   1
#define DECIMALS_ttft_ms       1
#define DECIMALS_cost_usd      6
#define DECIMALS_value         (-1)
#define DECIMALS_max_gap_ms    1
#define DECIMALS_retry_after_s (-1)
#define TONE_response_ms       tone_of_response
#define TONE_ttft_ms           tone_of_ttft
#define TONE_cost_usd          NULL
#define TONE_value             NULL
#define TONE_max_gap_ms        NULL
#define TONE_retry_after_s     NULL

static const struct key_row rows[] = {
    {.name = "ts", .type = KEY_TIME, .derive = derive_ts},
    {.name = "kind",
	.type = KEY_TEXT,
	.derive = derive_kind,
	.choices = "request|begin|progress|gauge|count"},
    {.name = "status",
	.type = KEY_TEXT,
	.derive = derive_status,
	.tone = tone_of_status,
	.choices = "ok|error|timeout|cancelled|orphaned"},
    ORBUS_SAMPLE_FIELDS(ROW){.name = "tags", .type = KEY_TEXT, .derive = derive_tags},
    {.name = "tps", .type = KEY_FIGURE, .derive = derive_tps, .decimals = 1, .tone = tone_of_tps},
    {.name = "decode_tps", .type = KEY_FIGURE, .derive = derive_decode_tps, .decimals = 1},
    {.name = "time", .type = KEY_TIME, .derive = derive_ts, .time_format = "%H:%M:%S"},
    {.name = "date", .type = KEY_TIME, .derive = derive_ts, .time_format = "%Y-%m-%d"},
    {.name = "start", .type = KEY_TIME, .derive = derive_start, .time_format = "%H:%M:%S"},
    {.name = "level",
	.type = KEY_TEXT,
	.derive = derive_level,
	.tone = tone_of_status,
	.choices = "DEBUG|INFO|WARNING|ERROR"},
    {.name = "any_model", .type = KEY_TEXT, .derive = derive_any_model},
    {.name = "rating", .type = KEY_TEXT, .derive = derive_rating, .tone = tone_of_response},
    {.name = "response_s",
	.type = KEY_FIGURE,
	.derive = derive_response_s,
	.decimals = 2,
	.tone = tone_of_response},
    {.name = "ttft_s",
	.type = KEY_FIGURE,
	.derive = derive_ttft_s,
	.decimals = 2,
	.tone = tone_of_ttft},
};

static const struct key_row tag_row = {.name = TAG_PREFIX "NAME", .type = KEY_TEXT};

/* --- Finding one ------------------------------------------------------------------------------ */

/* A name with a slip or two in it, or part of one. */
static bool is_near(const char *name, size_t length, const char *key)
{
	size_t key_length = strlen(key);

	if (length >= 3 && memmem(key, key_length, name, length))
		return true;
	return nearest_slips(name, length, key, key_length) != NEAREST_NOT_NEAR;
}

static void describe_unknown(const char *name, size_t length, char *out, size_t bytes)
{
	int shown = length < 64 ? (int)length : 64;
	size_t used = 0, found = 0;

	used += (size_t)snprintf(out, bytes, "there is no key '%.*s': did you mean", shown, name);
	for (size_t i = 0; i < COUNT_OF(rows) && used < bytes; i++) {
		if (!is_near(name, length, rows[i].name))
			continue;
		used += (size_t)snprintf(
		    out + used, bytes - used, "%s %s", found++ ? "," : "", rows[i].name);
	}
	if (memchr(name, '.', length) && used < bytes)
		used += (size_t)snprintf(
		    out + used, bytes - used, "%s " TAG_PREFIX "NAME", found++ ? "," : "");
	if (found) {
		if (used < bytes)
			snprintf(out + used, bytes - used, "?");
		return;
	}
	used = (size_t)snprintf(out, bytes, "there is no key '%.*s': give one of", shown, name);
	for (size_t i = 0; i < COUNT_OF(rows) && used < bytes; i++)
		used += (size_t)snprintf(out + used, bytes - used, " %s,", rows[i].name);
	if (used < bytes)
		snprintf(out + used, bytes - used, " " TAG_PREFIX "NAME");
}

int key_find(
    const char *name, size_t length, struct sample_key *out, char *error, size_t error_bytes)
{
	size_t prefix = strlen(TAG_PREFIX);

	*out = (struct sample_key){0};
	if (length > prefix && memcmp(name, TAG_PREFIX, prefix) == 0) {
		out->row = &tag_row;
		out->tag = strndup(name + prefix, length - prefix);
		return out->tag ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0) {
			out->row = &rows[i];
			return 0;
		}
	}
	describe_unknown(name, length, error, error_bytes);
	return -EINVAL;
}

void key_free(struct sample_key *key)
{
	free(key->tag);
	key->tag = NULL;
}

/* --- What is known of it ---------------------------------------------------------------------- */

const char *key_name(const struct sample_key *key)
{
	return key->row->name;
}

enum key_type key_type(const struct sample_key *key)
{
	return key->row->type;
}

const char *key_choices(const struct sample_key *key)
{
	return key->row->choices;
}

int key_decimals(const struct sample_key *key)
{
	return key->row->decimals;
}

const char *key_time_format(const struct sample_key *key)
{
	return key->row->time_format;
}

enum tone key_tone(const struct sample_key *key, const struct orbus_sample *s)
{
	return key->row->tone ? key->row->tone(s) : TONE_PLAIN;
}

static const char *tag_value(const struct orbus_sample *s, const char *name)
{
	for (size_t i = 0; i < s->tag_count; i++)
		if (strcmp(s->tags[i].key, name) == 0)
			return s->tags[i].value;
	return NULL;
}

static void read_field(const struct key_row *row, const struct orbus_sample *s, struct key_value *v)
{
	const char *field = (const char *)s + row->offset;

	switch (row->type) {
	case KEY_TEXT: memcpy(&v->text, field, sizeof(v->text)); break;
	case KEY_FIGURE: memcpy(&v->figure, field, sizeof(v->figure)); break;
	case KEY_COUNT:
	case KEY_TIME: memcpy(&v->count, field, sizeof(v->count)); break;
	}
}

bool key_read(const struct sample_key *key, const struct orbus_sample *s, struct key_value *v)
{
	v->text = NULL;
	v->count = ORBUS_NONE;
	v->figure = NAN;
	if (key->tag)
		v->text = tag_value(s, key->tag);
	else if (key->row->derive)
		key->row->derive(s, v);
	else
		read_field(key->row, s, v);
	switch (key->row->type) {
	case KEY_TEXT: return v->text != NULL;
	case KEY_FIGURE: return !isnan(v->figure);
	case KEY_COUNT:
	case KEY_TIME: break;
	}
	return v->count != ORBUS_NONE;
}
