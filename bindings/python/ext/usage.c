/*
 * usage.c: the usage object of an API's answer.
 */
#include "usage.h"
#include "account.h"
#include "args.h"
#include "errors.h"

/*
 * A member of an API's usage: a key or an attribute; NULL: absent, or an exception is set that is
 * no Exception.
 */
static PyObject *usage_member(PyObject *usage, const char *name)
{
	PyObject *value;

	if (PyDict_Check(usage)) {
		value = PyDict_GetItemString(usage, name);
		Py_XINCREF(value);
	} else {
		value = PyObject_GetAttrString(usage, name);
	}
	if (!value)
		clear_exception();
	return value;
}

/* A server said it, so what is no figure is left out and counted. False: an exception is set that
 * is none.
 */
static bool leave_out(struct producer *p)
{
	clear_exception();
	if (PyErr_Occurred())
		return false;
	producer_note(p, UNREADABLE);
	return true;
}

static bool take_usage_count(struct producer *p, PyObject *usage, const char *name, uint64_t *out)
{
	PyObject *value = usage_member(usage, name);
	bool taken = value ? take_count(value, name, out) || leave_out(p) : !PyErr_Occurred();

	Py_XDECREF(value);
	return taken;
}

static bool take_detail(
    struct producer *p, PyObject *usage, const char *details, const char *name, uint64_t *out)
{
	PyObject *inner = usage_member(usage, details);
	bool taken =
	    inner ? inner == Py_None || take_usage_count(p, inner, name, out) : !PyErr_Occurred();

	Py_XDECREF(inner);
	return taken;
}

bool usage_take(struct producer *p, struct orbus_sample *s, PyObject *usage)
{
	PyObject *cost = usage_member(usage, "cost");
	bool taken =
	    cost ? take_figure(cost, "cost", &s->cost_usd) || leave_out(p) : !PyErr_Occurred();

	Py_XDECREF(cost);
	return taken && take_usage_count(p, usage, "prompt_tokens", &s->prompt_tokens) &&
	       take_usage_count(p, usage, "completion_tokens", &s->completion_tokens) &&
	       take_usage_count(p, usage, "total_tokens", &s->total_tokens) &&
	       take_detail(p, usage, "prompt_tokens_details", "cached_tokens", &s->cached_tokens) &&
	       take_detail(p, usage, "prompt_tokens_details", "cache_write_tokens",
		   &s->cache_write_tokens) &&
	       take_detail(
		   p, usage, "completion_tokens_details", "reasoning_tokens", &s->reasoning_tokens);
}
