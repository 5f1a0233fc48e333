/*
 * request.c: orbus.Request: one request as a context manager, from Producer.request() to its end.
 *
 * The clock starts, and the begin is published, when it is made. It ends once: when its block is
 * left, by end(), or, where the program drops it, as cancelled.
 *
 * While its block runs a context variable refers to it, weakly, so that instrumented calls in there
 * are not counted a second time: see call_end.h. A request that is ended by end() alone has no
 * block: which calls are its own is not known.
 */
#include "request.h"
#include "account.h"
#include "args.h"
#include "block.h"
#include "call_end.h"
#include "errors.h"
#include "ready.h"
#include "request_fields.h"
#include "sample/sample.h"
#include "structmember.h"
#include "tags.h"
#include "usage.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* --- Begin --------------------------------------------------------------------------------------
 */

/* Of a closed producer: what orbus_request_begin() would have set, and nothing is published. */
static int begin_unpublished(struct orbus_request *r, const char *model, bool stream)
{
	memset(r, 0, sizeof(*r));
	orbus_sample_init(&r->sample);
	r->sample.requested_model = model;
	r->sample.stream = stream;
	return -EBADF;
}

static bool take_arguments(struct request *r, PyObject **values, const char **model, bool *stream)
{
	struct tag_list list = {.tags = r->tags};
	bool taken = take_text(values[0], "model", &r->kept[KEPT_REQUESTED_MODEL], model) &&
	             take_flag(values[1], stream) && add_tags(r->producer, &list, values[3]) &&
	             add_tags_around(r->producer, &list);

	r->kept[KEPT_TAGS] = list.keep;
	r->request.sample.tag_count = list.count;
	return taken;
}

PyObject *request_new(
    struct producer *p, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
	static const struct signature signature = {
	    "request", 4, 1, 0, {KEYWORD_model, KEYWORD_stream, KEYWORD_attempt, KEYWORD_tags}};
	PyObject *values[4];
	struct request *r;
	const char *model = NULL;
	bool stream = false;
	size_t tags;
	uint64_t attempt = ORBUS_NONE;

	if (!args_parse(p->state, &signature, args, count, keyword_names, values) ||
	    !take_count(values[2], "attempt", &attempt))
		return NULL;
	r = PyObject_New(struct request, p->state->request_type);
	if (!r)
		return NULL;
	memset(r->kept, 0, sizeof(r->kept));
	Py_INCREF(p);
	r->producer = p;
	r->weak_references = r->outer = NULL;
	r->open = r->done = NULL;
	r->judged = r->handed = false;
	r->ended = true;
	if (!take_arguments(r, values, &model, &stream)) {
		Py_DECREF(r);
		return NULL;
	}
	tags = r->request.sample.tag_count;
	r->ended = false;
	r->generation = fork_generation();
	producer_note(p, p->handle ? orbus_request_begin(p->handle, &r->request, model, stream)
				   : begin_unpublished(&r->request, model, stream));
	r->request.sample.attempt = attempt;
	r->request.sample.tags = r->tags;
	r->request.sample.tag_count = tags;
	return (PyObject *)r;
}

/* --- End ----------------------------------------------------------------------------------------
 */

/* What the program has not said itself, of the call that the block was about. */
static void fill_in_from_call(struct request *r, const struct call *c)
{
	const struct orbus_sample *found = call_sample(c);
	struct orbus_sample *s = &r->request.sample;

#define FILL(field)        s->field = s->field ? s->field : found->field;
#define FILL_COUNT(field)  s->field = s->field != ORBUS_NONE ? s->field : found->field;
#define FILL_FIGURE(field) s->field = isnan(s->field) ? found->field : s->field;
	if (s->prompt_tokens == ORBUS_NONE && s->completion_tokens == ORBUS_NONE &&
	    s->total_tokens == ORBUS_NONE) {
		s->prompt_tokens = found->prompt_tokens;
		s->completion_tokens = found->completion_tokens;
		s->total_tokens = found->total_tokens;
		s->tokens_estimated = found->tokens_estimated;
	}
	FILL_COUNT(cached_tokens)
	FILL_COUNT(reasoning_tokens)
	FILL_COUNT(cache_write_tokens)
	FILL_COUNT(tool_calls)
	FILL_COUNT(chunks)
	FILL_FIGURE(max_gap_ms)
	FILL_FIGURE(retry_after_s)
	FILL_FIGURE(cost_usd)
	FILL(operation)
	FILL(key_id)
	FILL_COUNT(http_status)
	FILL_COUNT(attempt)
	FILL(model)
	FILL(requested_model)
	FILL(provider)
	FILL(finish_reason)
	FILL(stream)
	if (!s->request_id && strcmp(found->request_id, call_id(c)) != 0)
		s->request_id = found->request_id;
	if (!r->judged) {
		FILL(error_type)
		FILL(error_message)
	}
	s->tags = call_tags(c, &s->tag_count);
#undef FILL
#undef FILL_COUNT
#undef FILL_FIGURE
}

/* The call's own times, which begin and end nearer to it than the block does. */
static void take_times_of_call(struct request *r, const struct call *c)
{
	const struct orbus_sample *found = call_sample(c);
	struct orbus_sample *s = &r->request.sample;
	bool first_token_by_hand = r->request.first_token_ns && isnan(found->ttft_ms);

	if (!isnan(s->response_ms) || !isnan(s->ttft_ms) || first_token_by_hand)
		return;
	s->response_ms = found->response_ms;
	s->ttft_ms = found->ttft_ms;
	s->ts = found->ts;
	r->request.first_token_ns = 0;
}

/* Takes over what the block's call found out. False: the call is still under way, and will publish
 * the end. */
static bool settle_with_call(struct request *r, enum orbus_status *status)
{
	if (r->open && !r->judged) {
		call_take_over(r->open, r->request.id);
		r->open = NULL;
		r->handed = true;
		return false;
	}
	if (r->open)
		call_end_with_block(r->open);
	if (!r->done)
		return true;
	if (!r->judged)
		*status = call_sample(r->done)->status;
	fill_in_from_call(r, r->done);
	take_times_of_call(r, r->done);
	return true;
}

static void finish(struct request *r, enum orbus_status status)
{
	struct orbus_sample *s = &r->request.sample;
	int err;

	/* A child's copy of what its parent has begun is the parent's to end. */
	if (r->ended || r->generation != fork_generation()) {
		r->ended = true;
		return;
	}
	if (!settle_with_call(r, &status)) {
		r->ended = true;
		return;
	}
	r->ended = true;
	if (s->total_tokens == ORBUS_NONE && s->prompt_tokens != ORBUS_NONE &&
	    s->completion_tokens != ORBUS_NONE)
		s->total_tokens = s->prompt_tokens + s->completion_tokens;
	s->status = status;
	if (!r->producer->handle) {
		producer_note(r->producer, -EBADF);
		return;
	}
	err = orbus_request_end(&r->request, status);
	producer_note(r->producer, err);
	if (!err)
		producer_ended(r->producer, s);
}

static void request_dealloc(PyObject *self)
{
	struct request *r = (struct request *)self;
	PyTypeObject *type = Py_TYPE(self);
	struct aside aside;

	set_aside(&aside);
	if (r->weak_references)
		PyObject_ClearWeakRefs(self);
	if (!r->ended)
		finish(r, r->judged ? r->request.sample.status : ORBUS_STATUS_CANCELLED);
	for (int i = 0; i < KEPT_COUNT; i++)
		Py_XDECREF(r->kept[i]);
	Py_XDECREF((PyObject *)r->done);
	Py_XDECREF(r->outer);
	Py_DECREF(r->producer);
	PyObject_Free(self);
	Py_DECREF(type);
	set_back(&aside);
}

/* --- Outcomes -----------------------------------------------------------------------------------
 */

static bool take_status(PyObject *value, enum orbus_status *out)
{
	Py_ssize_t length;
	const char *name = PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, &length) : NULL;

	if (name && sample_status_from_name(name, (size_t)length, out) &&
	    *out != ORBUS_STATUS_ORPHANED)
		return true;
	PyErr_Clear();
	PyErr_Format(PyExc_ValueError, "status is %R: give ok, error, timeout or cancelled", value);
	return false;
}

/* Keeps how the request will end; what was said earlier stays. */
static bool judge(struct request *r, enum orbus_status status, PyObject *type, PyObject *message,
    PyObject *http_status)
{
	struct orbus_sample *s = &r->request.sample;

	if (r->judged)
		return true;
	if (!take_text(type, "error_type", &r->kept[KEPT_ERROR_TYPE], &s->error_type) ||
	    !take_message(message, "message", &r->kept[KEPT_ERROR_MESSAGE], &s->error_message) ||
	    !take_count(http_status, "http_status", &s->http_status))
		return false;
	s->status = status;
	r->judged = true;
	return true;
}

/* What orbus._outcome.classify() makes of an exception: (status, error_type, message, HTTP status).
 */
static PyObject *classify(struct request *r, PyObject *exception)
{
	struct module_state *state = r->producer->state;
	const struct orbus_sample *s = &r->request.sample;
	PyObject *errors;

	if (!state->classify) {
		errors = PyImport_ImportModule("orbus._outcome");
		state->classify = errors ? PyObject_GetAttrString(errors, "classify") : NULL;
		Py_XDECREF(errors);
		if (!state->classify)
			return NULL;
	}
	return PyObject_CallFunction(state->classify, "OOO", exception,
	    s->stream ? Py_True : Py_False, r->request.first_token_ns ? Py_False : Py_True);
}

static void judge_exception(struct request *r, PyObject *type, PyObject *exception)
{
	PyObject *traceback, *found;
	enum orbus_status status;
	bool done;

	/*
	 * The call knows better how it failed than the exception that its client made of it. But
	 * why the program left the call, the exception knows: a limit of asyncio.timeout() cancels
	 * the call, and becomes a TimeoutError outside of it.
	 */
	if (r->done && call_sample(r->done)->status != ORBUS_STATUS_OK &&
	    call_sample(r->done)->status != ORBUS_STATUS_CANCELLED)
		return;
	found = classify(r, exception != Py_None ? exception : type);
	done = found && PyTuple_Check(found) && PyTuple_GET_SIZE(found) == 4 &&
	       take_status(PyTuple_GET_ITEM(found, 0), &status) &&
	       judge(r, status, PyTuple_GET_ITEM(found, 1), PyTuple_GET_ITEM(found, 2),
		   PyTuple_GET_ITEM(found, 3));

	Py_XDECREF(found);
	if (done)
		return;
	clear_exception();
	PyErr_Fetch(&type, &exception, &traceback);
	(void)judge(r, ORBUS_STATUS_ERROR, NULL, NULL, NULL);
	PyErr_Restore(type, exception, traceback);
}

/* --- The block ----------------------------------------------------------------------------------
 */

static PyObject *request_enter(PyObject *self, PyObject *unused)
{
	(void)unused;
	block_enter((struct request *)self);
	Py_INCREF(self);
	return self;
}

static PyObject *request_exit(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	struct request *r = (struct request *)self;
	PyObject *type, *value, *traceback;

	block_leave(r);
	if (!r->ended && count >= 2 && args[0] != Py_None)
		judge_exception(r, args[0], args[1]);
	PyErr_Fetch(&type, &value, &traceback); /* an interrupt of the judging */
	finish(r, r->judged ? r->request.sample.status : ORBUS_STATUS_OK);
	if (type)
		PyErr_Restore(type, value, traceback);
	if (PyErr_Occurred())
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *request_aenter(PyObject *self, PyObject *unused)
{
	(void)unused;
	block_enter((struct request *)self);
	return ready_new(((struct request *)self)->producer->state, self);
}

static PyObject *request_aexit(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	PyObject *none = request_exit(self, args, count), *ready;

	if (!none)
		return NULL;
	ready = ready_new(((struct request *)self)->producer->state, none);
	Py_DECREF(none);
	return ready;
}

/* --- What the program reports --------------------------------------------------------------------
 */

static PyObject *request_first_token(PyObject *self, PyObject *unused)
{
	(void)unused;
	orbus_request_first_token(&((struct request *)self)->request);
	Py_RETURN_NONE;
}

static PyObject *request_usage(
    PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"usage", 7, 3, 0,
	    {KEYWORD_prompt_tokens, KEYWORD_completion_tokens, KEYWORD_total_tokens,
		KEYWORD_cached_tokens, KEYWORD_reasoning_tokens, KEYWORD_cost_usd,
		KEYWORD_estimated}};
	struct request *r = (struct request *)self;
	struct orbus_sample *s = &r->request.sample;
	PyObject *v[7];

	if (!args_parse(r->producer->state, &signature, args, count, names, v))
		return NULL;
	if (v[0] && v[0] != Py_None && (PyDict_Check(v[0]) || !PyIndex_Check(v[0]))) {
		if (!usage_take(r->producer, s, v[0]))
			return NULL;
		v[0] = NULL;
	}
	if (!take_count(v[0], "prompt_tokens", &s->prompt_tokens) ||
	    !take_count(v[1], "completion_tokens", &s->completion_tokens) ||
	    !take_count(v[2], "total_tokens", &s->total_tokens) ||
	    !take_count(v[3], "cached_tokens", &s->cached_tokens) ||
	    !take_count(v[4], "reasoning_tokens", &s->reasoning_tokens) ||
	    !take_figure(v[5], "cost_usd", &s->cost_usd) || !take_flag(v[6], &s->tokens_estimated))
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *say_outcome(PyObject *self, enum orbus_status status,
    const struct signature *signature, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	struct request *r = (struct request *)self;
	PyObject *v[3] = {NULL, NULL, NULL};

	if (!args_parse(r->producer->state, signature, args, count, names, v))
		return NULL;
	r->judged = false; /* the last word counts */
	if (!judge(r, status, v[0], v[1], v[2]))
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *request_error(
    PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
	    "error", 3, 2, 1, {KEYWORD_error_type, KEYWORD_message, KEYWORD_http_status}};

	return say_outcome(self, ORBUS_STATUS_ERROR, &signature, args, count, names);
}

static PyObject *request_timeout(
    PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
	    "timeout", 2, 2, 0, {KEYWORD_error_type, KEYWORD_message}};

	return say_outcome(self, ORBUS_STATUS_TIMEOUT, &signature, args, count, names);
}

static PyObject *request_cancel(
    PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"cancel", 0, 0, 0, {0}};

	return say_outcome(self, ORBUS_STATUS_CANCELLED, &signature, args, count, names);
}

static PyObject *request_end(
    PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"end", 1, 1, 0, {KEYWORD_status}};
	struct request *r = (struct request *)self;
	enum orbus_status status = r->judged ? r->request.sample.status : ORBUS_STATUS_OK;
	PyObject *value;

	if (!args_parse(r->producer->state, &signature, args, count, names, &value) ||
	    (value && value != Py_None && !take_status(value, &status)))
		return NULL;
	if (value && value != Py_None && !r->ended) {
		r->judged = true;
		r->request.sample.status = status;
	}
	finish(r, status);
	if (PyErr_Occurred())
		return NULL;
	Py_RETURN_NONE;
}

#define FAST(f) (PyCFunction)(void (*)(void))(f)
#define WORDS   METH_FASTCALL | METH_KEYWORDS

static PyMethodDef methods[] = {
    {"__enter__", request_enter, METH_NOARGS, NULL},
    {"__exit__", FAST(request_exit), METH_FASTCALL, NULL},
    {"__aenter__", request_aenter, METH_NOARGS, NULL},
    {"__aexit__", FAST(request_aexit), METH_FASTCALL, NULL},
    {"first_token", request_first_token, METH_NOARGS, NULL},
    {"usage", FAST(request_usage), WORDS, NULL},
    {"error", FAST(request_error), WORDS, NULL},
    {"timeout", FAST(request_timeout), WORDS, NULL},
    {"cancel", FAST(request_cancel), WORDS, NULL},
    {"end", FAST(request_end), WORDS, NULL},
    {NULL},
};

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(struct request, weak_references), READONLY, NULL},
    {NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, request_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, request_properties},
    {0, NULL},
};

/* Made by Producer.request() alone: without a producer there is no request. */
PyType_Spec request_spec = {.name = "orbus._orbus.Request",
    .basicsize = sizeof(struct request),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots};
