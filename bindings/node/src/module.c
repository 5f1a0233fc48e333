/*
 * module.c: the module as it is loaded into an environment: the main thread's or a worker's.
 */
#include "addon.h"
#include "call.h"
#include "constants.h"
#include "producer.h"
#include "reader.h"
#include "stats.h"

#include <stdlib.h>

/* The environment ends: lanes are given back now, and not when the garbage collector comes to the
 * producers. */
static void on_environment_end(void *data)
{
	producers_close(data);
}

/* Node may run it before finalizers of producers: they are closed here, and refer to this no more.
 */
static void finalize(napi_env env, void *data, void *hint)
{
	struct addon *a = data;

	(void)hint;
	producers_close(a);
	napi_delete_reference(env, a->figures_ref);
	free(a);
}

/* An ordinary array of the engine's, kept for good: its memory stays where it is. */
static napi_status make_figures(napi_env env, struct addon *a, napi_value exports)
{
	napi_value buffer, array;
	void *data;
	napi_status status = napi_create_arraybuffer(env, FIGURES * sizeof(double), &data, &buffer);

	if (status == napi_ok)
		status =
		    napi_create_typedarray(env, napi_float64_array, FIGURES, buffer, 0, &array);
	if (status == napi_ok)
		status = napi_create_reference(env, array, 1, &a->figures_ref);
	if (status == napi_ok)
		status = napi_set_named_property(env, exports, "figures", array);
	a->figures = data;
	return status;
}

static napi_status set_up(napi_env env, napi_value exports)
{
	struct addon *a = calloc(1, sizeof(*a));
	napi_status status = a ? make_figures(env, a, exports) : napi_generic_failure;

	if (status == napi_ok)
		status = napi_set_instance_data(env, a, finalize, NULL);
	if (status != napi_ok) {
		free(a);
		return status;
	}
	return napi_add_env_cleanup_hook(env, on_environment_end, a);
}

NAPI_MODULE_INIT()
{
	if (set_up(env, exports) != napi_ok || producer_define(env, exports) != napi_ok ||
	    call_define(env, exports) != napi_ok || reader_define(env, exports) != napi_ok ||
	    stats_define(env, exports) != napi_ok || constants_define(env, exports) != napi_ok)
		napi_throw_error(env, "ENOMEM", "orbus cannot be set up in this thread");
	return exports;
}
