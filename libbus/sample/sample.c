/*
 * sample.c: what a sample is by itself: its defaults, its words, its derived figures, its rules.
 */
#include "sample.h"
#include "base/utf8.h"
#include "fields.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

static const char *const kind_names[] = {"request", "begin", "gauge", "count", "progress"};
static const char *const status_names[] = {"ok", "error", "timeout", "cancelled", "orphaned"};

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#define CLEAR_STRING(f) s->f = NULL;
#define CLEAR_BOOL(f)   s->f = false;
#define CLEAR_UINT(f)   s->f = ORBUS_NONE;
#define CLEAR_DOUBLE(f) s->f = NAN;
#define CLEAR(type, f)  CLEAR_##type(f)

void orbus_sample_init(struct orbus_sample *s)
{
	if (!s)
		return;
	s->kind = ORBUS_KIND_REQUEST;
	s->status = ORBUS_STATUS_OK;
	s->ts = 0;
	s->tags = NULL;
	s->tag_count = 0;
	ORBUS_SAMPLE_FIELDS(CLEAR)
}

static double per_second(uint64_t tokens, double ms)
{
	double rate = tokens == ORBUS_NONE || !(ms > 0) ? NAN : (double)tokens / (ms / 1000);

	return isfinite(rate) ? rate : NAN;
}

double orbus_sample_tps(const struct orbus_sample *s)
{
	return s ? per_second(s->completion_tokens, s->response_ms) : NAN;
}

double orbus_sample_decode_tps(const struct orbus_sample *s)
{
	return s ? per_second(s->completion_tokens, s->response_ms - s->ttft_ms) : NAN;
}

const char *orbus_kind_name(enum orbus_kind kind)
{
	return (size_t)kind < COUNT_OF(kind_names) ? kind_names[kind] : NULL;
}

const char *orbus_status_name(enum orbus_status status)
{
	return (size_t)status < COUNT_OF(status_names) ? status_names[status] : NULL;
}

static bool index_of(
    const char *const *names, size_t count, const char *name, size_t length, size_t *out)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

bool sample_kind_from_name(const char *name, size_t length, enum orbus_kind *out)
{
	size_t i;

	if (!index_of(kind_names, COUNT_OF(kind_names), name, length, &i))
		return false;
	*out = (enum orbus_kind)i;
	return true;
}

bool sample_status_from_name(const char *name, size_t length, enum orbus_status *out)
{
	size_t i;

	if (!index_of(status_names, COUNT_OF(status_names), name, length, &i))
		return false;
	*out = (enum orbus_status)i;
	return true;
}

static bool text_is_valid(const char *s)
{
	return !s || utf8_is_valid(s, strlen(s));
}

/* A figure is absent (NaN, which is neither more nor less) or finite, and not negative unless it is
 * a gauge's value. */
static bool figure_is_valid(double v, bool may_be_negative)
{
	return !(v > DBL_MAX) && !(v < (may_be_negative ? -DBL_MAX : 0));
}

static int tags_validate(const struct orbus_sample *s)
{
	if (s->tag_count > ORBUS_TAGS_MAX || (s->tag_count > 0 && !s->tags))
		return -EINVAL;
	for (size_t i = 0; i < s->tag_count; i++) {
		if (!s->tags[i].key || !s->tags[i].value)
			return -EINVAL;
		if (!text_is_valid(s->tags[i].key) || !text_is_valid(s->tags[i].value))
			return -EILSEQ;
	}
	return 0;
}

#define CHECK_STRING(f)           \
	if (!text_is_valid(s->f)) \
		return -EILSEQ;
#define CHECK_BOOL(f)
#define CHECK_UINT(f)
#define CHECK_DOUBLE(f)                                                                \
	if (!figure_is_valid(s->f, s->kind == ORBUS_KIND_GAUGE && &s->f == &s->value)) \
		return -EDOM;
#define CHECK(type, f) CHECK_##type(f)

int sample_validate(const struct orbus_sample *s)
{
	if (!orbus_kind_name(s->kind) || !orbus_status_name(s->status) ||
	    s->status == ORBUS_STATUS_ORPHANED)
		return -EINVAL;
	if (s->kind == ORBUS_KIND_GAUGE || s->kind == ORBUS_KIND_COUNT) {
		if (!s->name || !*s->name)
			return -EINVAL;
		if (isnan(s->value))
			return -EDOM;
	}
	ORBUS_SAMPLE_FIELDS(CHECK)
	return tags_validate(s);
}
