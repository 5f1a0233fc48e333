/*
 * call.c: orbus._orbus.Call: a call (bindings/llm) for orbus.instrument(), which feeds it
 * what the HTTP client receives, and says how the transfer ended.
 *
 * It judges and publishes once: at end(), or when it is dropped, which means that the program lost
 * interest in the answer. In a Request's block it leaves publishing to that: call_end.h. A call of
 * a client within takes its place (bindings/llm/nesting.h): it publishes nothing then.
 */
#include "call.h"
#include "args.h"
#include "block.h"
#include "call_end.h"
#include "errors.h"
#include "llm/call_words.h"
#include "ring/producer.h"
#include "tags.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
	PyErr_Format(PyExc_ValueError, "%s is %R: not one that orbus knows", what, value);
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
static int begin(struct call *c, PyObject *body, struct llm_call_options *options)
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
	err = llm_call_begin(&c->call, c->producer->handle, options);
	PyBuffer_Release(&view);
	return err;
}

/*
 * The block's own tags come first, then those of orbus.tags(), then those of the measured client
 * around this one, then the client's.
 */
static bool gather_tags(struct call *c, const struct call *outer, PyObject *given, size_t *count)
{
	struct tag_list list = {.tags = c->tags};
	bool gathered =
	    (!c->within || add_known_tags(&list, c->within->tags,
			       c->within->request.sample.tag_count, c->within->kept[KEPT_TAGS])) &&
	    add_tags_around(c->producer, &list) &&
	    (!outer || add_known_tags(
			   &list, outer->tags, outer->call.options.tag_count, outer->kept_tags)) &&
	    add_tags(c->producer, &list, given);

	c->kept_tags = list.keep;
	*count = list.count;
	return gathered;
}

/* Whether a call that begins now takes the place of this one, which is of a client around it. */
static bool is_open(const struct call *outer)
{
	return outer && !outer->ended && outer->producer->handle &&
	       outer->generation == fork_generation();
}

/* The block that a call is in: that of the call whose place it takes. */
static struct request *block_of(struct producer *p, const struct call *outer)
{
	if (!is_open(outer))
		return request_around(p);
	Py_XINCREF((PyObject *)outer->within);
	return outer->within;
}

static struct call *call_alloc(PyTypeObject *type, PyObject *producer, struct call *outer)
{
	struct call *c = PyObject_New(struct call, type);

	if (!c)
		return NULL;
	c->body = c->secret = c->url = c->kept_tags = c->kept_id = NULL;
	c->result = (struct llm_call_result){0};
	c->begun = false;
	c->ended = true;
	c->generation = fork_generation();
	/* A begin and its request are of one lane. */
	c->producer = is_open(outer) ? outer->producer : (struct producer *)producer;
	Py_INCREF((PyObject *)c->producer);
	c->within = block_of(c->producer, outer);
	return c;
}

/* Within another measurement nothing begins on the bus: the id alone is of this call. */
static int take_id(struct call *c, char *id, size_t size, struct llm_call_options *options)
{
	uint64_t number;

	if (!producer_next_id(c->producer->handle, &number))
		return -EINVAL;
	snprintf(id, size, "%016" PRIx64, number);
	options->within_id = id;
	return 0;
}

/* The id that a call goes by where another layer has published its begin. 0 or a negative errno. */
static int find_id(struct call *c, const struct call *outer, char *id, size_t size,
    struct llm_call_options *options)
{
	if (is_open(outer)) {
		snprintf(id, size, "%s", outer->call.request.id);
		options->within_id = id;
		return 0;
	}
	return c->within ? take_id(c, id, size, options) : 0;
}

/*
 * `outer` publishes nothing from here on: the call has its place, its begin and its block. Its tags
 * stay, for further calls within.
 */
static void take_place(struct call *c, struct call *outer)
{
	struct request *r = outer->within;

	outer->ended = true;
	outer->within = NULL;
	call_let_go(outer);
	if (r && r->open == outer)
		r->open = c;
	Py_XDECREF((PyObject *)r);
}

/* Call(producer, body, attempt=None, tags=None, secret=None, url=None, outer=None, key=None) */
static PyObject *call_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	static char *names[] = {
	    "producer", "body", "attempt", "tags", "secret", "url", "outer", "key", NULL};
	struct module_state *state = state_of_type(type);
	PyObject *producer, *body, *given[6] = {NULL}, *kept_key = NULL;
	struct llm_call_options options = {0};
	uint64_t attempt = ORBUS_NONE;
	char id[sizeof(((struct orbus_request *)0)->id)];
	struct call *c, *outer;
	int err = -ENOMEM;

	if (!state || !PyArg_ParseTupleAndKeywords(args, keywords, "O!O|OOOOOO:Call", names,
			  state->producer_type, &producer, &body, &given[0], &given[1], &given[2],
			  &given[3], &given[4], &given[5]))
		return NULL;
	outer = given[4] && Py_TYPE(given[4]) == type ? (struct call *)given[4] : NULL;
	c = call_alloc(type, producer, outer);
	if (c && !PyErr_Occurred() && take_count(given[0], "attempt", &attempt) &&
	    gather_tags(c, outer, given[1], &options.tag_count) &&
	    take_text(given[2], "secret", &c->secret, &options.secrets) &&
	    take_text(given[3], "url", &c->url, &options.url) &&
	    take_text(given[5], "key", &kept_key, &options.key)) {
		options.attempt = attempt == ORBUS_NONE ? 0 : attempt;
		err = find_id(c, outer, id, sizeof(id), &options);
		if (!err)
			err = begin(c, body, &options);
	}
	Py_XDECREF(kept_key);
	if (err) {
		if (!PyErr_Occurred())
			set_bus_error(state, NULL, err);
		Py_XDECREF((PyObject *)c);
		return NULL;
	}
	c->begun = true;
	c->ended = false;
	if (is_open(outer)) {
		llm_call_begun_as(&c->call, outer->call.begun_as);
		take_place(c, outer);
	} else if (c->within) {
		llm_call_begun_as(&c->call, c->within->request.id);
		c->within->open = c;
	}
	return (PyObject *)c;
}

/* --- The answer as it passes --------------------------------------------------------------------
 */

/* response(http_status, content_type, retry_after, generation_id): the head of the answer. */
static PyObject *call_response(
    PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"response", 4, 4, 1,
	    {KEYWORD_http_status, KEYWORD_content_type, KEYWORD_retry_after,
		KEYWORD_generation_id}};
	struct call *c = (struct call *)self;
	uint64_t http_status = 0, retry_after = 0;
	PyObject *v[4], *kept_type = NULL;
	const char *type = NULL;
	bool taken;

	if (!args_parse(c->producer->state, &signature, args, count, names, v))
		return NULL;
	Py_CLEAR(c->kept_id); /* of the response that redirected the call to this one */
	c->result.generation_id = NULL;
	taken = take_count(v[0], "http_status", &http_status) &&
	        take_text(v[1], "content_type", &kept_type, &type) &&
	        take_count(v[2], "retry_after", &retry_after) &&
	        take_text(v[3], "generation_id", &c->kept_id, &c->result.generation_id);
	if (taken && !c->ended) {
		c->result.http_status = http_status <= 999 ? (long)http_status : 0;
		c->result.retry_after = retry_after <= INT32_MAX ? (long)retry_after : 0;
		llm_call_content_type(&c->call, type);
	}
	Py_XDECREF(kept_type);
	if (!taken)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *call_feed(PyObject *self, PyObject *bytes)
{
	struct call *c = (struct call *)self;
	Py_buffer view;

	if (PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) < 0)
		return NULL;
	if (!c->ended)
		llm_call_feed(&c->call, view.buf, (size_t)view.len);
	PyBuffer_Release(&view);
	Py_RETURN_NONE;
}

/* It has ended, or a call within has taken its place: what follows is not needed. */
static PyObject *call_is_over(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct call *)self)->ended);
}

static PyObject *call_is_answered(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((struct call *)self)->call.complete_ns != 0);
}

/* --- End ----------------------------------------------------------------------------------------
 */

/* end(limit, failure, message, cancelled, unread, abandoned) */
static PyObject *call_end(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"end", 6, 0, 0,
	    {KEYWORD_limit, KEYWORD_failure, KEYWORD_message, KEYWORD_cancelled, KEYWORD_unread,
		KEYWORD_abandoned}};
	struct call *c = (struct call *)self;
	struct llm_call_result result = c->result;
	PyObject *v[6], *message = NULL;
	int limit, failure;
	bool taken, silence;

	if (!args_parse(c->producer->state, &signature, args, count, names, v))
		return NULL;
	silence =
	    v[0] && PyUnicode_Check(v[0]) && PyUnicode_CompareWithASCIIString(v[0], "silence") == 0;
	taken = TAKE_NAME(silence ? NULL : v[0], "limit", limit_names, &limit) &&
	        TAKE_NAME(v[1], "failure", failure_names, &failure) &&
	        take_text(v[2], "message", &message, &result.failure_message) &&
	        take_flag(v[3], &result.program_aborted) && take_flag(v[4], &result.unread) &&
	        take_flag(v[5], &result.abandoned);
	if (taken && !c->ended) {
		result.limit = silence ? llm_call_limit_of_silence(&c->call) : (enum limit)limit;
		result.failure = (enum failure)failure;
		call_finish(c, &result);
	}
	Py_XDECREF(message);
	if (!taken || PyErr_Occurred())
		return NULL;
	Py_RETURN_NONE;
}

/* It is dropped without end(). A block that still needs what it found out keeps it alive. */
static void call_finalize(PyObject *self)
{
	struct call *c = (struct call *)self;
	struct llm_call_result forgotten = c->result;
	struct aside aside;

	if (c->ended)
		return;
	set_aside(&aside);
	forgotten.abandoned = true;
	call_finish(c, &forgotten);
	set_back(&aside);
}

static void call_dealloc(PyObject *self)
{
	struct call *c = (struct call *)self;
	PyTypeObject *type = Py_TYPE(self);
	struct aside aside;

	if (PyObject_CallFinalizerFromDealloc(self) < 0)
		return;
	set_aside(&aside);
	call_let_go(c);
	Py_CLEAR(c->kept_tags);
	Py_XDECREF((PyObject *)c->within);
	Py_DECREF(c->producer);
	PyObject_Free(self);
	Py_DECREF(type);
	set_back(&aside);
}

/*
 * quote(text, body, secret, url): what of a server's message may be published, or None; body and
 * the rest are what was asked, None where it cannot be seen.
 */
PyObject *call_quote(PyObject *module, PyObject *args)
{
	struct llm_call_options asked = {0};
	char out[OUTCOME_MESSAGE_BYTES];
	PyObject *text, *secret, *url, *kept[3] = {NULL}, *result = NULL;
	Py_buffer body;
	const char *said;

	(void)module;
	if (!PyArg_ParseTuple(args, "Uz*OO:quote", &text, &body, &secret, &url))
		return NULL;
	asked.request = body.buf;
	asked.request_bytes = (size_t)body.len;
	if (take_text(text, "text", &kept[0], &said) &&
	    take_text(secret, "secret", &kept[1], &asked.secrets) &&
	    take_text(url, "url", &kept[2], &asked.url)) {
		if (llm_call_quote(&asked, said, out)) {
			result = PyUnicode_FromString(out);
		} else {
			Py_INCREF(Py_None);
			result = Py_None;
		}
	}
	PyBuffer_Release(&body);
	for (int i = 0; i < 3; i++)
		Py_XDECREF(kept[i]);
	return result;
}

static PyMethodDef methods[] = {
    {"response", (PyCFunction)(void (*)(void))call_response, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"feed", call_feed, METH_O, NULL},
    {"end", (PyCFunction)(void (*)(void))call_end, METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL},
};

static PyGetSetDef properties[] = {
    {"answered", call_is_answered, NULL, NULL, NULL},
    {"over", call_is_over, NULL, NULL, NULL},
    {NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, call_new},
    {Py_tp_dealloc, call_dealloc},
    {Py_tp_finalize, call_finalize},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, NULL},
};

PyType_Spec call_spec = {.name = "orbus._orbus.Call",
    .basicsize = sizeof(struct call),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots};
