/*
 * producer.c: orbus.Producer: publishes what a bot says, and sums up its own requests.
 *
 * Opening a producer raises an exception where it fails, and so does an argument of the wrong type.
 * What cannot be published raises nothing: account.c.
 */
#include "producer.h"
#include "account.h"
#include "args.h"
#include "base/now.h"
#include "errors.h"
#include "live/bus_near.h"
#include "request.h"
#include "ring/producer.h"
#include "sample_dict.h"
#include "stats.h"
#include "structmember.h"
#include "tags.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* --- From open to close -------------------------------------------------------------------------
 */

/* A name as C has it, NULL with an exception: what follows a NUL would be left out unsaid. */
static const char *c_name(PyObject *name, const char *what)
{
	Py_ssize_t length;
	const char *text = PyUnicode_AsUTF8AndSize(name, &length);

	if (!text || strlen(text) == (size_t)length)
		return text;
	PyErr_Format(PyExc_ValueError, "%s is %R: a name has no NUL characters in it", what, name);
	return NULL;
}

/*
 * That the bus is new and looks like a typo of another, to the logger `orbus`. What goes wrong with
 * that is not the bot's concern, but for a KeyboardInterrupt or SystemExit: false, with the
 * exception.
 */
static bool log_new_bus(const char *bus)
{
	PyObject *logging, *logger, *done = NULL;
	char what[1200];

	if (!bus_new_describe(bus, what, sizeof(what)))
		return true;
	logging = PyImport_ImportModule("logging");
	logger = logging ? PyObject_CallMethod(logging, "getLogger", "s", "orbus") : NULL;
	if (logger)
		done = PyObject_CallMethod(logger, "warning", "ss", "%s", what);
	Py_XDECREF(done);
	Py_XDECREF(logger);
	Py_XDECREF(logging);
	if (!done)
		clear_exception();
	return !PyErr_Occurred();
}

static int open_handle(struct producer *p)
{
	const char *bot = c_name(p->bot, "bot"), *bus = NULL;
	bool was_new;
	int err;

	if (!bot)
		return -1;
	if (p->bus != Py_None && !(bus = c_name(p->bus, "bus")))
		return -1;
	if (!*bot || strlen(bot) > PRODUCER_BOT_MAX) {
		PyErr_Format(PyExc_ValueError, "bot is %R: give a name of 1 to %d bytes", p->bot,
		    PRODUCER_BOT_MAX);
		return -1;
	}
	was_new = bus_is_new(bus);
	err = orbus_producer_open(bus, bot, &p->handle);
	if (err)
		set_bus_error(p->state, bus, err);
	return err || (was_new && !log_new_bus(bus)) ? -1 : 0;
}

/* A logger, by itself or by its name. A new reference. */
static PyObject *find_logger(PyObject *given)
{
	PyObject *logging, *logger;

	if (!PyUnicode_Check(given)) {
		Py_INCREF(given);
		return given;
	}
	logging = PyImport_ImportModule("logging");
	logger = logging ? PyObject_CallMethod(logging, "getLogger", "O", given) : NULL;
	Py_XDECREF(logging);
	return logger;
}

static PyObject *producer_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	static char *names[] = {"bot", "bus", "logger", NULL};
	PyObject *bot, *bus = Py_None, *logger = Py_None;
	struct producer *p;

	if (!PyArg_ParseTupleAndKeywords(
		args, keywords, "U|O$O:Producer", names, &bot, &bus, &logger))
		return NULL;
	if (bus != Py_None && !PyUnicode_Check(bus))
		return PyErr_Format(PyExc_TypeError, "bus must be a str or None, not %.100s",
		    Py_TYPE(bus)->tp_name);
	p = (struct producer *)type->tp_alloc(type, 0);
	if (!p)
		return NULL;
	Py_INCREF(bot);
	Py_INCREF(bus);
	p->bot = bot;
	p->bus = bus;
	p->state = state_of_type(type);
	p->logger = find_logger(logger);
	p->totals.last_ttft_ms = NAN;
	if (p->state && p->logger && open_handle(p) == 0)
		return (PyObject *)p;
	Py_DECREF(p);
	return NULL;
}

static PyObject *producer_close(PyObject *self, PyObject *unused)
{
	struct producer *p = (struct producer *)self;

	(void)unused;
	orbus_producer_close(p->handle);
	p->handle = NULL;
	Py_RETURN_NONE;
}

static void producer_dealloc(PyObject *self)
{
	struct producer *p = (struct producer *)self;
	PyTypeObject *type = Py_TYPE(self);

	if (p->weak_references)
		PyObject_ClearWeakRefs(self);
	orbus_producer_close(p->handle);
	if (p->summary)
		aggregate_free(p->summary);
	free(p->summary);
	Py_XDECREF(p->bot);
	Py_XDECREF(p->bus);
	Py_XDECREF(p->logger);
	type->tp_free(self);
	Py_DECREF(type);
}

/* --- Gauges, counts, whole samples --------------------------------------------------------------
 */

static PyObject *publish_value(struct producer *p, enum orbus_kind kind, PyObject **values)
{
	struct orbus_sample s;
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	struct tag_list list = {.tags = tags};
	PyObject *name = NULL;
	bool taken;

	orbus_sample_init(&s);
	s.kind = kind;
	s.value = kind == ORBUS_KIND_COUNT ? 1 : NAN;
	s.tags = tags;
	taken = take_text(values[0], "name", &name, &s.name) &&
	        take_figure(values[1], "value", &s.value) && add_tags(p, &list, values[2]) &&
	        add_tags_around(p, &list);
	s.tag_count = list.count;
	if (taken)
		producer_publish(p, &s);
	Py_XDECREF(name);
	Py_XDECREF(list.keep);
	if (!taken || PyErr_Occurred())
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *producer_gauge(
    PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
	    "gauge", 3, 2, 2, {KEYWORD_name, KEYWORD_value, KEYWORD_tags}};
	struct producer *p = (struct producer *)self;
	PyObject *values[3];

	if (!args_parse(p->state, &signature, args, count, names, values))
		return NULL;
	return publish_value(p, ORBUS_KIND_GAUGE, values);
}

static PyObject *producer_count(
    PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
	    "count", 3, 2, 1, {KEYWORD_name, KEYWORD_value, KEYWORD_tags}};
	struct producer *p = (struct producer *)self;
	PyObject *values[3];

	if (!args_parse(p->state, &signature, args, count, names, values))
		return NULL;
	return publish_value(p, ORBUS_KIND_COUNT, values);
}

static PyObject *producer_publish_sample(
    PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	if (!publish_keywords((struct producer *)self, args, count, names))
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *producer_request(
    PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	return request_new((struct producer *)self, args, count, names);
}

/* --- What it can report -------------------------------------------------------------------------
 */

/* The sums behind get_performance_stats(), which rounds them. */
static PyObject *producer_totals(PyObject *self, PyObject *unused)
{
	const struct totals *t = &((struct producer *)self)->totals;
	double n = (double)t->requests, first = (double)t->first_tokens;

	(void)unused;
	return Py_BuildValue("(dddKKzdd)", t->last_response_ms, t->last_tps,
	    n > 0 ? t->sum_response_ms / n : 0.0, (unsigned long long)t->requests,
	    (unsigned long long)t->tokens, t->model[0] ? t->model : NULL, t->last_ttft_ms,
	    first > 0 ? t->sum_ttft_ms / first : NAN);
}

/* From here on everything that is published is also added up here. */
static PyObject *producer_summarise(PyObject *self, PyObject *unused)
{
	struct producer *p = (struct producer *)self;

	(void)unused;
	if (p->summary)
		Py_RETURN_NONE;
	p->summary = malloc(sizeof(*p->summary));
	if (!p->summary)
		return PyErr_NoMemory();
	aggregate_init(p->summary);
	p->summary_start_ns = now_ns_of(CLOCK_REALTIME);
	Py_RETURN_NONE;
}

static PyObject *producer_summary(PyObject *self, PyObject *unused)
{
	const struct producer *p = (const struct producer *)self;

	(void)unused;
	if (!p->summary)
		Py_RETURN_NONE;
	if (!aggregate_settle(p->summary))
		return PyErr_NoMemory();
	return summary_to_dict(p->summary, p->summary_start_ns, now_ns_of(CLOCK_REALTIME));
}

static PyObject *producer_last_error(PyObject *self, void *unused)
{
	const struct producer *p = (const struct producer *)self;

	(void)unused;
	if (!p->last_error)
		Py_RETURN_NONE;
	if (p->last_error == -EBADF)
		return PyUnicode_FromString("the producer is closed");
	if (p->last_error == -EIO)
		return PyUnicode_FromString("a line could not be logged");
	if (p->last_error == -ENOTRECOVERABLE)
		return PyUnicode_FromString("an instrumented call could not be measured");
	if (p->last_error == UNREADABLE)
		return PyUnicode_FromString(
		    "a tag, or a figure of a usage, could not be read: it was left out");
	return PyUnicode_FromString(orbus_strerror(p->last_error));
}

static PyObject *producer_closed(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(!((struct producer *)self)->handle);
}

/* For the module's own Python: a failure that the bot must not notice. */
static PyObject *producer_drop(PyObject *self, PyObject *unused)
{
	(void)unused;
	producer_note((struct producer *)self, -ENOTRECOVERABLE);
	Py_RETURN_NONE;
}

static PyObject *producer_repr(PyObject *self)
{
	const struct producer *p = (const struct producer *)self;

	return PyUnicode_FromFormat(
	    "<orbus.Producer bot=%R bus=%R%s>", p->bot, p->bus, p->handle ? "" : " closed");
}

#define FAST(f) (PyCFunction)(void (*)(void))(f), METH_FASTCALL | METH_KEYWORDS

static PyMethodDef methods[] = {
    {"request", FAST(producer_request), NULL},
    {"gauge", FAST(producer_gauge), NULL},
    {"count", FAST(producer_count), NULL},
    {"publish", FAST(producer_publish_sample), NULL},
    {"close", producer_close, METH_NOARGS, NULL},
    {"_totals", producer_totals, METH_NOARGS, NULL},
    {"_summarise", producer_summarise, METH_NOARGS, NULL},
    {"_summary", producer_summary, METH_NOARGS, NULL},
    {"_drop", producer_drop, METH_NOARGS, NULL},
    {NULL},
};

static PyMemberDef members[] = {
    {"bot", T_OBJECT, offsetof(struct producer, bot), READONLY, NULL},
    {"bus", T_OBJECT, offsetof(struct producer, bus), READONLY, NULL},
    {"dropped", T_ULONGLONG, offsetof(struct producer, dropped), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(struct producer, weak_references), READONLY, NULL},
    {NULL},
};

static PyGetSetDef properties[] = {
    {"last_error", producer_last_error, NULL, NULL, NULL},
    {"closed", producer_closed, NULL, NULL, NULL},
    {NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, producer_new},
    {Py_tp_dealloc, producer_dealloc},
    {Py_tp_repr, producer_repr},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {0, NULL},
};

PyType_Spec producer_spec = {.name = "orbus._orbus.Producer",
    .basicsize = sizeof(struct producer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots};
