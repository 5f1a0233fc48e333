/*
 * sample_json.c: a sample as a JSON object, to and fro.
 *
 * Reading is as strict as the wire: what sample_decode() would reject is refused here too, but by
 * name, since a person wrote it.
 */
#include "sample_json.h"
#include "base/clock.h"
#include "sample/fields.h"
#include "sample/sample.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- Writing ---------------------------------------------------------------------------------- */

/* JSON integers are signed here; what is beyond them is no honest count. */
static json_t *uint_value(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static bool set_new(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new_nocheck(object, key, value) == 0;
}

static bool set_figure(json_t *object, const char *key, double value)
{
	return !isfinite(value) || set_new(object, key, json_real(value));
}

#define PUT_STRING(f) (!s->f || set_new(o, #f, json_string_nocheck(s->f)))
#define PUT_BOOL(f)   (!s->f || set_new(o, #f, json_true()))
#define PUT_UINT(f)   (s->f == ORBUS_NONE || set_new(o, #f, uint_value(s->f)))
#define PUT_DOUBLE(f) set_figure(o, #f, s->f)
#define PUT(type, f)        \
	if (!PUT_##type(f)) \
		return false;

static bool put_fields(json_t *o, const struct orbus_sample *s)
{
	ORBUS_SAMPLE_FIELDS(PUT)
	return set_figure(o, "tps", orbus_sample_tps(s)) &&
	       set_figure(o, "decode_tps", orbus_sample_decode_tps(s));
}

static bool put_tags(json_t *o, const struct orbus_sample *s)
{
	json_t *tags;

	if (s->tag_count == 0)
		return true;
	tags = json_object();
	if (!set_new(o, "tags", tags))
		return false;
	for (size_t i = 0; i < s->tag_count; i++)
		if (!set_new(tags, s->tags[i].key, json_string_nocheck(s->tags[i].value)))
			return false;
	return true;
}

static bool put_head(json_t *o, const struct orbus_sample *s)
{
	char ts[RFC3339_BYTES];

	clock_format_rfc3339(s->ts, ts);
	if (!set_new(o, "ts", json_string_nocheck(ts)) ||
	    !set_new(o, "kind", json_string_nocheck(orbus_kind_name(s->kind))))
		return false;
	return s->kind != ORBUS_KIND_REQUEST ||
	       set_new(o, "status", json_string_nocheck(orbus_status_name(s->status)));
}

json_t *sample_to_json(const struct orbus_sample *s)
{
	json_t *o = json_object();

	if (put_head(o, s) && put_fields(o, s) && put_tags(o, s))
		return o;
	json_decref(o);
	return NULL;
}

/* --- Reading ---------------------------------------------------------------------------------- */

struct fault {
	char *text;
	size_t bytes;
};

__attribute__((format(printf, 3, 4))) static int refuse(
    struct fault *fault, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->text, fault->bytes, format, args);
	va_end(args);
	return error;
}

static int get_STRING(struct fault *fault, const char *key, const json_t *v, const char **field)
{
	if (!json_is_string(v))
		return refuse(fault, -EINVAL, "%s: must be a string", key);
	*field = json_string_value(v);
	return 0;
}

static int get_BOOL(struct fault *fault, const char *key, const json_t *v, bool *field)
{
	if (!json_is_boolean(v))
		return refuse(fault, -EINVAL, "%s: must be true or false", key);
	*field = json_is_true(v);
	return 0;
}

static int get_DOUBLE(struct fault *fault, const char *key, const json_t *v, double *field)
{
	double value = json_number_value(v);

	if (!json_is_number(v))
		return refuse(fault, -EINVAL, "%s: must be a number", key);
	/* Whether it is a gauge's, only the whole shows. */
	if (value < 0 && strcmp(key, "value") != 0)
		return refuse(fault, -EDOM, "%s: must not be negative", key);
	*field = value;
	return 0;
}

static int get_UINT(struct fault *fault, const char *key, const json_t *v, uint64_t *field)
{
	double value = json_number_value(v);

	if (!json_is_number(v))
		return refuse(fault, -EINVAL, "%s: must be a number", key);
	if (value < 0)
		return refuse(fault, -EDOM, "%s: must not be negative", key);
	if (json_is_integer(v)) {
		*field = (uint64_t)json_integer_value(v);
		return 0;
	}
	/* Languages with one number type may write 287.0. */
	if (floor(value) != value || value >= 0x1p63)
		return refuse(fault, -EDOM, "%s: must be a whole number", key);
	*field = (uint64_t)value;
	return 0;
}

static int get_ts(struct fault *fault, const json_t *v, uint64_t *ts)
{
	const double limit = (double)(UINT64_MAX / NS_PER_SECOND);
	double seconds = json_number_value(v), whole;

	if (json_is_string(v) && clock_parse_rfc3339(json_string_value(v), ts))
		return 0;
	if (!json_is_number(v))
		return refuse(fault, -EINVAL,
		    "ts: must be RFC 3339, such as 2026-01-31T08:00:00Z, or seconds since 1970");
	if (seconds < 0 || seconds >= limit)
		return refuse(fault, -EDOM, "ts: is no time that can be told");
	whole = floor(seconds);
	*ts = (uint64_t)whole * NS_PER_SECOND +
	      (uint64_t)llround((seconds - whole) * (double)NS_PER_SECOND);
	return 0;
}

static int get_kind(struct fault *fault, const json_t *v, enum orbus_kind *kind)
{
	if (json_is_string(v) &&
	    sample_kind_from_name(json_string_value(v), json_string_length(v), kind))
		return 0;
	return refuse(fault, -EINVAL, "kind: must be request, begin, progress, gauge or count");
}

static int get_status(struct fault *fault, const json_t *v, enum orbus_status *status)
{
	if (json_is_string(v) &&
	    sample_status_from_name(json_string_value(v), json_string_length(v), status) &&
	    *status != ORBUS_STATUS_ORPHANED)
		return 0;
	return refuse(fault, -EINVAL, "status: must be ok, error, timeout or cancelled");
}

static int get_tags(
    struct fault *fault, const json_t *v, struct orbus_tag *tags, struct orbus_sample *out)
{
	const char *key;
	json_t *value;
	size_t n = 0;

	if (!json_is_object(v))
		return refuse(fault, -EINVAL, "tags: must be an object of strings");
	if (json_object_size(v) > ORBUS_TAGS_MAX)
		return refuse(fault, -EINVAL, "tags: no more than %d are allowed", ORBUS_TAGS_MAX);
	json_object_foreach((json_t *)(uintptr_t)v, key, value)
	{
		if (!json_is_string(value))
			return refuse(fault, -EINVAL, "tags: every value must be a string");
		tags[n++] = (struct orbus_tag){key, json_string_value(value)};
	}
	out->tags = tags;
	out->tag_count = n;
	return 0;
}

static bool is_key(const char *key, const char *name)
{
	return strcmp(key, name) == 0;
}

#define GET(type, f)         \
	if (is_key(key, #f)) \
		return get_##type(fault, key, v, &out->f);

static int get_member(struct fault *fault, const char *key, const json_t *v, struct orbus_tag *tags,
    struct orbus_sample *out)
{
	if (json_is_null(v))
		return 0;
	if (is_key(key, "ts"))
		return get_ts(fault, v, &out->ts);
	if (is_key(key, "kind"))
		return get_kind(fault, v, &out->kind);
	if (is_key(key, "status"))
		return get_status(fault, v, &out->status);
	if (is_key(key, "tags"))
		return get_tags(fault, v, tags, out);
	ORBUS_SAMPLE_FIELDS(GET)
	return 0;
}

/* What only the whole shows. */
static int check_whole(struct fault *fault, const struct orbus_sample *s)
{
	const char *kind = orbus_kind_name(s->kind);

	if (s->value < 0 && s->kind != ORBUS_KIND_GAUGE)
		return refuse(fault, -EDOM, "value: must not be negative but in a gauge");
	if (s->kind != ORBUS_KIND_GAUGE && s->kind != ORBUS_KIND_COUNT)
		return 0;
	if (!s->name || !*s->name)
		return refuse(fault, -EINVAL, "name: is missing, and a %s needs one", kind);
	if (isnan(s->value))
		return refuse(fault, -EINVAL, "value: is missing, and a %s needs one", kind);
	return 0;
}

int sample_from_json(const json_t *object, struct orbus_tag *tags, struct orbus_sample *out,
    char *error, size_t error_bytes)
{
	struct fault fault = {error, error_bytes};
	const char *key;
	json_t *value;

	orbus_sample_init(out);
	if (!json_is_object(object))
		return refuse(&fault, -EINVAL, "not a JSON object");
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		int err = get_member(&fault, key, value, tags, out);

		if (err)
			return err;
	}
	return check_whole(&fault, out);
}
