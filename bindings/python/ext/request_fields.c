/*
 * request_fields.c: the figures and names of an orbus.Request, as attributes to read and to set.
 */
#include "request_fields.h"
#include "args.h"
#include "objects.h"

#include <math.h>

struct text_field {
	const char *name;
	size_t offset;
	enum kept kept;
};

#define AT(field) offsetof(struct request, request.sample.field)

static const struct text_field model_field = {"model", AT(model), KEPT_MODEL};
static const struct text_field provider_field = {"provider", AT(provider), KEPT_PROVIDER};
static const struct text_field finish_reason_field = {
    "finish_reason", AT(finish_reason), KEPT_FINISH_REASON};
static const struct text_field request_id_field = {"request_id", AT(request_id), KEPT_REQUEST_ID};
static const struct text_field requested_model_field = {
    "requested_model", AT(requested_model), KEPT_REQUESTED_MODEL};
static const struct text_field error_type_field = {"error_type", AT(error_type), KEPT_ERROR_TYPE};
static const struct text_field operation_field = {"operation", AT(operation), KEPT_OPERATION};
static const struct text_field error_message_field = {
    "error_message", AT(error_message), KEPT_ERROR_MESSAGE};

static PyObject *get_text(PyObject *self, void *closure)
{
	const struct text_field *f = closure;
	const char *text = *(const char **)((char *)self + f->offset);

	/* Until the API's id is known a request bears ours. */
	if (!text && f->kept == KEPT_REQUEST_ID)
		text = ((struct request *)self)->request.id;
	if (!text || !*text)
		Py_RETURN_NONE;
	return PyUnicode_FromString(text);
}

static int set_text(PyObject *self, PyObject *value, void *closure)
{
	const struct text_field *f = closure;
	struct request *r = (struct request *)self;

	PyObject **keep = &r->kept[f->kept];
	const char **text = (const char **)((char *)self + f->offset);
	bool taken = f->kept == KEPT_ERROR_MESSAGE ? take_message(value, f->name, keep, text)
	                                           : take_text(value, f->name, keep, text);

	return taken ? 0 : -1;
}

struct figure_field {
	const char *name;
	size_t offset;
};

#define FIGURE(field) static const struct figure_field field##_field = {#field, AT(field)};
FIGURE(http_status)
FIGURE(attempt)
FIGURE(prompt_tokens)
FIGURE(completion_tokens)
FIGURE(total_tokens)
FIGURE(cached_tokens)
FIGURE(reasoning_tokens)
FIGURE(response_ms)
FIGURE(ttft_ms)
FIGURE(cost_usd)
FIGURE(cache_write_tokens)
FIGURE(tool_calls)
FIGURE(chunks)
FIGURE(max_gap_ms)
FIGURE(retry_after_s)

static PyObject *get_count(PyObject *self, void *closure)
{
	uint64_t n = *(uint64_t *)((char *)self + ((const struct figure_field *)closure)->offset);

	if (n == ORBUS_NONE)
		Py_RETURN_NONE;
	return PyLong_FromUnsignedLongLong(n);
}

static int set_count(PyObject *self, PyObject *value, void *closure)
{
	const struct figure_field *f = closure;
	uint64_t n = ORBUS_NONE;

	if (!take_count(value, f->name, &n))
		return -1;
	*(uint64_t *)((char *)self + f->offset) = n;
	return 0;
}

static PyObject *figure_or_none(double value)
{
	if (isnan(value))
		Py_RETURN_NONE;
	return PyFloat_FromDouble(value);
}

static PyObject *get_figure(PyObject *self, void *closure)
{
	return figure_or_none(
	    *(double *)((char *)self + ((const struct figure_field *)closure)->offset));
}

static int set_figure(PyObject *self, PyObject *value, void *closure)
{
	const struct figure_field *f = closure;
	double figure = NAN;

	if (!take_figure(value, f->name, &figure))
		return -1;
	*(double *)((char *)self + f->offset) = figure;
	return 0;
}

static PyObject *get_tps(PyObject *self, void *unused)
{
	(void)unused;
	return figure_or_none(orbus_sample_tps(&((struct request *)self)->request.sample));
}

static PyObject *get_status(PyObject *self, void *unused)
{
	const struct request *r = (const struct request *)self;

	(void)unused;
	if ((!r->ended && !r->judged) || r->handed)
		Py_RETURN_NONE;
	return PyUnicode_FromString(orbus_status_name(r->request.sample.status));
}

static PyObject *get_stream(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct request *)self)->request.sample.stream);
}

#define CLOSURE(field) (void *)(uintptr_t)&field##_field
#define TEXT_PROPERTY(field)                                     \
	{                                                        \
#field, get_text, set_text, NULL, CLOSURE(field) \
	}
#define COUNT_PROPERTY(field)                                      \
	{                                                          \
#field, get_count, set_count, NULL, CLOSURE(field) \
	}
#define FIGURE_PROPERTY(field)                                       \
	{                                                            \
#field, get_figure, set_figure, NULL, CLOSURE(field) \
	}

PyGetSetDef request_properties[] = {
    TEXT_PROPERTY(model),
    TEXT_PROPERTY(requested_model),
    TEXT_PROPERTY(provider),
    TEXT_PROPERTY(finish_reason),
    TEXT_PROPERTY(request_id),
    TEXT_PROPERTY(error_type),
    TEXT_PROPERTY(error_message),
    COUNT_PROPERTY(http_status),
    COUNT_PROPERTY(attempt),
    COUNT_PROPERTY(prompt_tokens),
    COUNT_PROPERTY(completion_tokens),
    COUNT_PROPERTY(total_tokens),
    COUNT_PROPERTY(cached_tokens),
    COUNT_PROPERTY(reasoning_tokens),
    FIGURE_PROPERTY(response_ms),
    FIGURE_PROPERTY(ttft_ms),
    FIGURE_PROPERTY(cost_usd),
    TEXT_PROPERTY(operation),
    COUNT_PROPERTY(cache_write_tokens),
    COUNT_PROPERTY(tool_calls),
    COUNT_PROPERTY(chunks),
    FIGURE_PROPERTY(max_gap_ms),
    FIGURE_PROPERTY(retry_after_s),
    {"tps", get_tps, NULL, NULL, NULL},
    {"status", get_status, NULL, NULL, NULL},
    {"stream", get_stream, NULL, NULL, NULL},
    {NULL},
};
