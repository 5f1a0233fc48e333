/*
 * reader.c: a reader for JavaScript, which polls: nothing here waits.
 *
 * A batch of samples goes over as one JSON text, in the form that `ortail --json` prints: one
 * string for the engine to make, one call to parse it.
 */
#include "reader.h"
#include "args.h"
#include "doc/sample_json.h"
#include "live/filter.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct tail {
	uint32_t kind;
	struct orbus_reader *reader; /* NULL: closed */
	struct sample_filter filter;
	struct text_arena arena; /* of the filter */
};

static void close_reader(struct tail *t)
{
	orbus_reader_close(t->reader);
	t->reader = NULL;
}

static void finalize(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	close_reader(data);
	free(data);
}

/*
 * tailOpen(bus, kind, status, min_ms, model, bot, provider): a handle, or a negative errno. kind
 * and status are -1 for any.
 */
static napi_value open_tail(napi_env env, napi_callback_info info)
{
	struct text_arena name;
	napi_value a[7], external;
	struct tail *t;
	int err;

	arena_clear(&name);
	take_arguments(env, info, a, 7);
	t = malloc(sizeof(*t));
	if (!t)
		return make_int(env, -ENOMEM);
	t->kind = HANDLE_TAIL;
	arena_clear(&t->arena);
	t->filter = (struct sample_filter){.kind = take_int(env, a[1]),
	    .status = take_int(env, a[2]),
	    .min_ms = take_number(env, a[3]),
	    .model = take_text(env, a[4], &t->arena, 256),
	    .bot = take_text(env, a[5], &t->arena, 256),
	    .provider = take_text(env, a[6], &t->arena, 256)};
	err = orbus_reader_open(take_text(env, a[0], &name, 4096), &t->reader);
	if (err) {
		free(t);
		return make_int(env, err);
	}
	if (napi_create_external(env, t, finalize, NULL, &external) == napi_ok)
		return external;
	finalize(env, t, NULL);
	return make_int(env, -ENOMEM);
}

static struct tail *take_tail(napi_env env, napi_value value)
{
	struct tail *t = take_handle(env, value, HANDLE_TAIL);

	return t && t->reader ? t : NULL;
}

/* Appends a sample's JSON. False: out of memory. */
static bool write_sample(FILE *out, const struct orbus_sample *s, const char *separator)
{
	json_t *object = sample_to_json(s);
	bool ok = object && fputs(separator, out) >= 0 &&
	          json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0;

	json_decref(object);
	return ok;
}

/*
 * Takes up to `most` records and writes those that pass as a JSON array of them. False: out of
 * memory. *taken tells whether there may be more.
 */
static bool write_batch(FILE *out, struct tail *t, int most, int *taken)
{
	const char *separator = "[";
	struct orbus_sample s;
	bool ok = true;

	for (*taken = 0; *taken < most && orbus_reader_next(t->reader, &s) == 1; ++*taken) {
		if (!sample_filter_passes(&t->filter, &s))
			continue;
		ok &= write_sample(out, &s, separator);
		separator = ",";
	}
	return ok && fputs(*separator == '[' ? "[]" : "]", out) >= 0;
}

/*
 * tailNext(tail, most): samples as JSON text; undefined where nothing was there, passing or not;
 * a negative errno.
 */
static napi_value next(napi_env env, napi_callback_info info)
{
	napi_value arguments[2], result = NULL;
	struct tail *t;
	char *text = NULL;
	size_t length = 0;
	FILE *out;
	bool ok;
	int taken = 0;

	take_arguments(env, info, arguments, 2);
	t = take_tail(env, arguments[0]);
	if (!t)
		return make_int(env, -EBADF);
	out = open_memstream(&text, &length);
	ok = out && write_batch(out, t, take_int(env, arguments[1]), &taken);
	if (out && fclose(out) != 0)
		ok = false;
	if (!ok)
		result = make_int(env, -ENOMEM);
	else if (taken > 0)
		napi_create_string_utf8(env, text, length, &result);
	free(text);
	return result;
}

/* tailSkip(tail): passes over everything that is there. */
static napi_value skip(napi_env env, napi_callback_info info)
{
	napi_value argument;
	struct tail *t;

	take_arguments(env, info, &argument, 1);
	t = take_tail(env, argument);
	if (t)
		orbus_reader_skip(t->reader);
	return NULL;
}

/* tailLost(tail), tailRejected(tail) */
static napi_value lost(napi_env env, napi_callback_info info)
{
	napi_value argument;
	struct tail *t;

	take_arguments(env, info, &argument, 1);
	t = take_tail(env, argument);
	return make_int(env, t ? (int64_t)orbus_reader_lost(t->reader) : 0);
}

static napi_value rejected(napi_env env, napi_callback_info info)
{
	napi_value argument;
	struct tail *t;

	take_arguments(env, info, &argument, 1);
	t = take_tail(env, argument);
	return make_int(env, t ? (int64_t)orbus_reader_rejected(t->reader) : 0);
}

/* tailClose(tail) */
static napi_value close_tail(napi_env env, napi_callback_info info)
{
	napi_value argument;
	struct tail *t;

	take_arguments(env, info, &argument, 1);
	t = take_tail(env, argument);
	if (t)
		close_reader(t);
	return NULL;
}

napi_status reader_define(napi_env env, napi_value exports)
{
	static const struct function functions[] = {
	    {"tailOpen", open_tail},
	    {"tailNext", next},
	    {"tailSkip", skip},
	    {"tailLost", lost},
	    {"tailRejected", rejected},
	    {"tailClose", close_tail},
	};

	return define_functions(env, exports, functions, sizeof(functions) / sizeof(functions[0]));
}
