/*
 * stats.c: statistics and period files, read by a thread of the pool: the event loop goes on.
 */
#include "stats.h"
#include "args.h"
#include "board/current.h"
#include "doc/period_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct job {
	napi_async_work work;
	napi_deferred deferred;
	void (*run)(struct job *j); /* in the pool: fills in what follows */
	char *text;                 /* the JSON that it made; NULL: none */
	int error;
	size_t failed; /* index of the path that the error is of */
	char *bus;     /* NULL: the default */
	enum statistics_window window;
	char **paths;
	size_t path_count;
};

static void free_job(struct job *j)
{
	for (size_t i = 0; i < j->path_count; i++)
		free(j->paths[i]);
	free(j->paths);
	free(j->bus);
	free(j->text);
	free(j);
}

static void set_text(struct job *j, json_t *value)
{
	j->text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
	j->error = j->text ? 0 : -ENOMEM;
	json_decref(value);
}

static void run_statistics(struct job *j)
{
	struct statistics s;

	statistics_read(j->bus, j->window, &s);
	j->error = s.error;
	if (!s.error)
		set_text(j, statistics_to_json(&s));
	statistics_free(&s);
}

static void run_merge(struct job *j)
{
	json_t *merged = NULL;

	j->error =
	    period_files_merge((const char *const *)j->paths, j->path_count, &merged, &j->failed);
	if (!j->error)
		set_text(j, merged);
}

static void run_load(struct job *j)
{
	json_t *document = NULL;

	j->error = period_file_read(j->paths[0], &document);
	if (!j->error)
		set_text(j, document);
}

static void execute(napi_env env, void *data)
{
	struct job *j = data;

	(void)env;
	j->run(j);
}

/* The promise is kept with the text, or with [errno, index of the path]: lib/ makes the error. */
static void complete(napi_env env, napi_status status, void *data)
{
	struct job *j = data;
	napi_value result = NULL;

	if (status != napi_ok)
		j->error = -ECANCELED;
	if (!j->error) {
		napi_create_string_utf8(env, j->text, NAPI_AUTO_LENGTH, &result);
	} else if (napi_create_array_with_length(env, 2, &result) == napi_ok) {
		napi_set_element(env, result, 0, make_int(env, j->error));
		napi_set_element(env, result, 1, make_int(env, (int64_t)j->failed));
	}
	if (result)
		napi_resolve_deferred(env, j->deferred, result);
	napi_delete_async_work(env, j->work);
	free_job(j);
}

/* Sends it to the pool. Returns the promise; undefined where memory ran out. */
static napi_value start(napi_env env, struct job *j, const char *name)
{
	napi_value promise, resource;

	if (napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &resource) == napi_ok &&
	    napi_create_async_work(env, NULL, resource, execute, complete, j, &j->work) ==
		napi_ok) {
		if (napi_create_promise(env, &j->deferred, &promise) == napi_ok &&
		    napi_queue_async_work(env, j->work) == napi_ok)
			return promise;
		napi_delete_async_work(env, j->work);
	}
	free_job(j);
	return NULL;
}

/* stats(bus, window): a promise; undefined where no window has that name. */
static napi_value stats(napi_env env, napi_callback_info info)
{
	struct text_arena arena;
	napi_value arguments[2];
	const char *window;
	struct job *j;
	size_t length;

	arena_clear(&arena);
	take_arguments(env, info, arguments, 2);
	j = calloc(1, sizeof(*j));
	window = take_text(env, arguments[1], &arena, 16);
	if (!j || !window || !statistics_window_from_name(window, &j->window)) {
		free(j);
		return NULL;
	}
	j->run = run_statistics;
	j->bus = take_long_text(env, arguments[0], &length);
	return start(env, j, "orbus.stats");
}

static bool take_paths(napi_env env, napi_value list, struct job *j)
{
	uint32_t count = 0;

	napi_get_array_length(env, list, &count);
	j->paths = calloc(count ? count : 1, sizeof(*j->paths));
	for (uint32_t i = 0; j->paths && i < count; i++) {
		napi_value item;
		size_t length;

		if (napi_get_element(env, list, i, &item) != napi_ok)
			return false;
		j->paths[i] = take_long_text(env, item, &length);
		if (!j->paths[i])
			return false;
		j->path_count++;
	}
	return j->paths && count > 0;
}

static napi_value read_files(
    napi_env env, napi_callback_info info, void (*run)(struct job *), const char *name)
{
	napi_value list;
	struct job *j;

	take_arguments(env, info, &list, 1);
	j = calloc(1, sizeof(*j));
	if (!j)
		return NULL;
	j->run = run;
	if (take_paths(env, list, j))
		return start(env, j, name);
	free_job(j);
	return NULL;
}

/* merge(paths): a promise. */
static napi_value merge(napi_env env, napi_callback_info info)
{
	return read_files(env, info, run_merge, "orbus.merge");
}

/* load([path]): a promise. */
static napi_value load(napi_env env, napi_callback_info info)
{
	return read_files(env, info, run_load, "orbus.load");
}

napi_status stats_define(napi_env env, napi_value exports)
{
	static const struct function functions[] = {
	    {"stats", stats},
	    {"merge", merge},
	    {"load", load},
	};

	return define_functions(env, exports, functions, sizeof(functions) / sizeof(functions[0]));
}
