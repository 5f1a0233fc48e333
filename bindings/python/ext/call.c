/*
 * call.c: orbus._orbus.Call: an exchange (bindings/exchange) for orbus.instrument(), which feeds it
 * what the HTTP client receives, and says how the transfer ended.
 *
 * It judges and publishes once: at end(), or when it is dropped, which means that the program lost
 * interest in the answer.
 */
#include "exchange.h"
#include "orbus_python.h"

#include <errno.h>
#include <string.h>

struct call {
	PyObject_HEAD struct producer *producer;
	struct exchange exchange;
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	PyObject *body, *secret, *url, *kept_tags; /* what the exchange borrows */
	unsigned generation;
	bool ended;
};

static const char *const limit_names[] = {
    [LIMIT_CONNECT] = "connect",
    [LIMIT_FIRST_TOKEN] = "first_token",
    [LIMIT_IDLE] = "idle",
    [LIMIT_TOTAL] = "total",
};

static const char *const failure_names[] = {
    [FAILURE_DNS] = "dns",
    [FAILURE_REFUSED] = "refused",
    [FAILURE_CONNECT] = "connect",
    [FAILURE_TLS] = "tls",
    [FAILURE_LOST] = "lost",
    [FAILURE_TRANSFER] = "transfer",
};

/* The number of a word, 0 for None. */
static bool take_name(
    PyObject *value, const char *what, const char *const *names, size_t count, int *out)
{
	*out = 0;
	if (!value || value == Py_None)
		return true;
	for (size_t i = 1; PyUnicode_Check(value) && i < count; i++)
		if (PyUnicode_CompareWithASCIIString(value, names[i]) == 0) {
			*out = (int)i;
			return true;
		}
	PyErr_Format(PyExc_ValueError, "%s is %R, which is none", what, value);
	return false;
}

#define TAKE_NAME(value, what, names, out) \
	take_name(value, what, names, sizeof(names) / sizeof((names)[0]), out)

/* --- Begin --------------------------------------------------------------------------------------
 */

/*
 * Begins with a body that is bytes, which stay as they are, of another type with a buffer, which
 * the program may change, or None.
 */
static int begin(struct call *c, PyObject *body, struct exchange_options *options)
{
	Py_buffer view = {0};
	int err;

	if (!c->producer->handle)
		return -EBADF;
	options->tags = c->tags;
	if (body != Py_None && PyObject_GetBuffer(body, &view, PyBUF_SIMPLE) < 0)
		return -EINVAL;
	options->request = view.buf;
	options->request_bytes = (size_t)view.len;
	if (PyBytes_CheckExact(body)) {
		Py_INCREF(body);
		c->body = body;
		options->request_life = REQUEST_STAYS;
	}
	err = exchange_begin(&c->exchange, c->producer->handle, options);
	PyBuffer_Release(&view);
	return err;
}

static void let_go(struct call *c)
{
	Py_CLEAR(c->body);
	Py_CLEAR(c->secret);
	Py_CLEAR(c->url);
	Py_CLEAR(c->kept_tags);
}

/* Call(producer, body, attempt=None, tags=None, secret=None, url=None) */
static PyObject *call_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	static char *names[] = {"producer", "body", "attempt", "tags", "secret", "url", NULL};
	struct module_state *state = state_of_type(type);
	PyObject *producer, *body, *given[4] = {NULL};
	struct exchange_options options = {0};
	uint64_t attempt = ORBUS_NONE;
	struct call *c;
	int err = -ENOMEM;

	if (!state ||
	    !PyArg_ParseTupleAndKeywords(args, keywords, "O!O|OOOO:Call", names,
		state->producer_type, &producer, &body, &given[0], &given[1], &given[2], &given[3]))
		return NULL;
	c = PyObject_New(struct call, type);
	if (c) {
		c->ended = true;
		c->body = c->secret = c->url = c->kept_tags = NULL;
		c->generation = fork_generation();
		Py_INCREF(producer);
		c->producer = (struct producer *)producer;
		if (take_count(given[0], "attempt", &attempt) &&
		    take_tags(given[1], c->tags, &options.tag_count, &c->kept_tags) &&
		    take_text(given[2], "secret", &c->secret, &options.secrets) &&
		    take_text(given[3], "url", &c->url, &options.url)) {
			options.attempt = attempt == ORBUS_NONE ? 0 : attempt;
			err = begin(c, body, &options);
		}
	}
	if (err && !PyErr_Occurred())
		set_bus_error(state, NULL, err);
	if (err) {
		Py_CLEAR(c);
		return NULL;
	}
	c->ended = false;
	return (PyObject *)c;
}

/* --- The answer as it passes --------------------------------------------------------------------
 */

static PyObject *call_content_type(PyObject *self, PyObject *type)
{
	struct call *c = (struct call *)self;
	const char *text = type == Py_None ? NULL : PyUnicode_AsUTF8(type);

	if (!text && PyErr_Occurred())
		return NULL;
	if (!c->ended)
		exchange_content_type(&c->exchange, text);
	Py_RETURN_NONE;
}

static PyObject *call_feed(PyObject *self, PyObject *bytes)
{
	struct call *c = (struct call *)self;
	Py_buffer view;

	if (PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) < 0)
		return NULL;
	if (!c->ended)
		exchange_feed(&c->exchange, view.buf, (size_t)view.len);
	PyBuffer_Release(&view);
	Py_RETURN_NONE;
}

static PyObject *call_is_answered(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct call *)self)->exchange.complete_ns != 0);
}

/* --- End ----------------------------------------------------------------------------------------
 */

/* An answer that the binding could not decode: how long it took, and that it came. */
static int end_unread(struct exchange *x, long http_status)
{
	x->request.sample.http_status = (uint64_t)http_status;
	x->request.sample.attempt = x->options.attempt ? x->options.attempt : ORBUS_NONE;
	x->request.sample.tags = x->options.tags;
	x->request.sample.tag_count = x->options.tag_count;
	return orbus_request_end(&x->request, ORBUS_STATUS_OK);
}

static void finish(struct call *c, const struct exchange_result *result, bool unread)
{
	struct producer *p = c->producer;
	int err = -EBADF;

	c->ended = true;
	/* A child's copy of what its parent has begun is the parent's to end. */
	if (c->generation != fork_generation()) {
		exchange_free(&c->exchange);
		let_go(c);
		return;
	}
	if (p->handle && unread && result->http_status >= 200 && result->http_status < 300)
		err = end_unread(&c->exchange, result->http_status);
	else if (p->handle)
		err = exchange_end(&c->exchange, result);
	producer_note(p, err);
	if (!err)
		producer_ended(p, &c->exchange.request.sample);
	exchange_free(&c->exchange);
	let_go(c);
}

/* end(http_status, retry_after, generation_id, limit, failure, message, cancelled, unread) */
static PyObject *call_end(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"end", 8, 0, 0,
	    {KEYWORD_http_status, KEYWORD_retry_after, KEYWORD_generation_id, KEYWORD_limit,
		KEYWORD_failure, KEYWORD_message, KEYWORD_cancelled, KEYWORD_unread}};
	struct call *c = (struct call *)self;
	struct exchange_result result = {0};
	uint64_t http_status = 0, retry_after = 0;
	PyObject *v[8], *id = NULL, *message = NULL;
	int limit, failure;
	bool taken, silence, unread = false;

	if (!args_parse(c->producer->state, &signature, args, count, names, v))
		return NULL;
	silence =
	    v[3] && PyUnicode_Check(v[3]) && PyUnicode_CompareWithASCIIString(v[3], "silence") == 0;
	taken = take_count(v[0], "http_status", &http_status) &&
	        take_count(v[1], "retry_after", &retry_after) &&
	        take_text(v[2], "generation_id", &id, &result.generation_id) &&
	        TAKE_NAME(silence ? NULL : v[3], "limit", limit_names, &limit) &&
	        TAKE_NAME(v[4], "failure", failure_names, &failure) &&
	        take_text(v[5], "message", &message, &result.failure_message) &&
	        take_flag(v[6], &result.program_aborted) && take_flag(v[7], &unread);
	if (taken && !c->ended) {
		result.http_status = http_status <= 999 ? (long)http_status : 0;
		result.retry_after = retry_after <= INT32_MAX ? (long)retry_after : 0;
		result.limit =
		    silence ? exchange_limit_of_silence(&c->exchange) : (enum limit)limit;
		result.failure = (enum failure)failure;
		finish(c, &result, unread);
	}
	Py_XDECREF(id);
	Py_XDECREF(message);
	if (!taken || PyErr_Occurred())
		return NULL;
	Py_RETURN_NONE;
}

static void call_dealloc(PyObject *self)
{
	static const struct exchange_result lost_interest = {.program_aborted = true};
	struct call *c = (struct call *)self;
	PyTypeObject *type = Py_TYPE(self);
	struct aside aside;

	set_aside(&aside);
	if (!c->ended)
		finish(c, &lost_interest, false);
	let_go(c);
	Py_DECREF(c->producer);
	PyObject_Free(self);
	Py_DECREF(type);
	set_back(&aside);
}

static PyMethodDef methods[] = {
    {"content_type", call_content_type, METH_O, NULL},
    {"feed", call_feed, METH_O, NULL},
    {"end", (PyCFunction)(void (*)(void))call_end, METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL},
};

static PyGetSetDef properties[] = {
    {"answered", call_is_answered, NULL, NULL, NULL},
    {NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, call_new},
    {Py_tp_dealloc, call_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, NULL},
};

PyType_Spec call_spec = {.name = "orbus._orbus.Call",
    .basicsize = sizeof(struct call),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots};
