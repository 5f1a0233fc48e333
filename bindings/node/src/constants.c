/*
 * constants.c: the library's own words and numbers, so that JavaScript has no list of its own.
 */
#include "constants.h"
#include "args.h"
#include "llm/outcome.h"
#include "ring/producer.h"

#include <string.h>

/* strerror(errno) */
static napi_value explain(napi_env env, napi_callback_info info)
{
	napi_value argument;

	take_arguments(env, info, &argument, 1);
	return make_text(env, orbus_strerror(take_int(env, argument)));
}

/* errorName(errno): "EINVAL" and so on; undefined where the C library does not tell. */
static napi_value name_error(napi_env env, napi_callback_info info)
{
	const char *name = NULL;
	napi_value argument;

	take_arguments(env, info, &argument, 1);
#ifdef __GLIBC__
	name = strerrorname_np(-take_int(env, argument));
#endif
	return make_text(env, name);
}

/* httpType(status): the error_type of an HTTP status. */
static napi_value http_type(napi_env env, napi_callback_info info)
{
	napi_value argument;

	take_arguments(env, info, &argument, 1);
	return make_text(env, outcome_http_type(take_int(env, argument)));
}

/* limitType(limit), failureType(failure, in_stream): likewise. */
static napi_value limit_type(napi_env env, napi_callback_info info)
{
	napi_value argument;

	take_arguments(env, info, &argument, 1);
	return make_text(env, outcome_limit_type((enum limit)take_int(env, argument)));
}

static napi_value failure_type(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];

	take_arguments(env, info, arguments, 2);
	return make_text(env, outcome_failure_type((enum failure)take_int(env, arguments[0]),
				  take_bool(env, arguments[1])));
}

struct number {
	const char *name;
	int value;
};

static napi_status define_numbers(
    napi_env env, napi_value exports, const char *name, const struct number *numbers)
{
	napi_value object;
	napi_status status = napi_create_object(env, &object);

	for (; status == napi_ok && numbers->name; numbers++)
		status = napi_set_named_property(
		    env, object, numbers->name, make_int(env, numbers->value));
	return status == napi_ok ? napi_set_named_property(env, exports, name, object) : status;
}

static const struct number figures[] = {
#define X(name) {#name, FIGURE_##name},
    ORBUS_NODE_FIGURES(X)
#undef X
	{NULL, 0},
};

static const struct number statuses[] = {
    {"ok", ORBUS_STATUS_OK},
    {"error", ORBUS_STATUS_ERROR},
    {"timeout", ORBUS_STATUS_TIMEOUT},
    {"cancelled", ORBUS_STATUS_CANCELLED},
    {NULL, 0},
};

static const struct number kinds[] = {
    {"request", ORBUS_KIND_REQUEST},
    {"begin", ORBUS_KIND_BEGIN},
    {"gauge", ORBUS_KIND_GAUGE},
    {"count", ORBUS_KIND_COUNT},
    {"progress", ORBUS_KIND_PROGRESS},
    {NULL, 0},
};

static const struct number limits[] = {
    {"none", LIMIT_NONE},
    {"connect", LIMIT_CONNECT},
    {"firstToken", LIMIT_FIRST_TOKEN},
    {"idle", LIMIT_IDLE},
    {"total", LIMIT_TOTAL},
    {NULL, 0},
};

static const struct number failures[] = {
    {"none", FAILURE_NONE},
    {"dns", FAILURE_DNS},
    {"refused", FAILURE_REFUSED},
    {"connect", FAILURE_CONNECT},
    {"tls", FAILURE_TLS},
    {"lost", FAILURE_LOST},
    {"transfer", FAILURE_TRANSFER},
    {NULL, 0},
};

static const struct number most[] = {
    {"botBytes", PRODUCER_BOT_MAX},
    {"tags", ORBUS_TAGS_MAX},
    {NULL, 0},
};

napi_status constants_define(napi_env env, napi_value exports)
{
	static const struct function functions[] = {
	    {"strerror", explain},
	    {"errorName", name_error},
	    {"httpType", http_type},
	    {"limitType", limit_type},
	    {"failureType", failure_type},
	};
	static const struct {
		const char *name;
		const struct number *numbers;
	} groups[] = {{"FIGURE", figures}, {"STATUS", statuses}, {"KIND", kinds}, {"LIMIT", limits},
	    {"FAILURE", failures}, {"MAX", most}};
	napi_status status =
	    define_functions(env, exports, functions, sizeof(functions) / sizeof(functions[0]));

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && status == napi_ok; i++)
		status = define_numbers(env, exports, groups[i].name, groups[i].numbers);
	if (status == napi_ok)
		status = napi_set_named_property(
		    env, exports, "version", make_text(env, orbus_version()));
	return status;
}
