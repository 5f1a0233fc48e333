/*
 * producer.c: orbus.Producer: publishes what a bot says, and sums up its own requests.
 *
 * What cannot be published is counted in `dropped` and explained by `last_error`: a bot that runs
 * must not fail for its metrics. Opening fails aloud, and so does an argument of the wrong type.
 */
#include "base/now.h"
#include "base/utf8.h"
#include "doc/sample_log.h"
#include "orbus_python.h"
#include "structmember.h"

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

static int open_handle(struct producer *p)
{
	const char *bot = c_name(p->bot, "bot"), *bus = NULL;
	int err;

	if (!bot)
		return -1;
	if (p->bus != Py_None && !(bus = c_name(p->bus, "bus")))
		return -1;
	if (!*bot || strlen(bot) > 64) {
		PyErr_Format(PyExc_ValueError, "bot is %R: give a name of 1 to 64 bytes", p->bot);
		return -1;
	}
	err = orbus_producer_open(bus, bot, &p->handle);
	if (err)
		set_bus_error(p->state, bus, err);
	return err ? -1 : 0;
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

/* --- What becomes of a sample -------------------------------------------------------------------
 */

void producer_note(struct producer *p, int err)
{
	if (!err)
		return;
	p->dropped++;
	p->last_error = err;
}

static void add_to_totals(struct totals *t, const struct orbus_sample *s)
{
	const char *model = s->model ? s->model : s->requested_model;
	double tps = orbus_sample_tps(s);
	size_t length;

	t->requests++;
	t->last_response_ms = s->response_ms;
	t->sum_response_ms += s->response_ms;
	t->last_tps = isnan(tps) ? 0 : tps;
	if (s->completion_tokens != ORBUS_NONE)
		t->tokens += s->completion_tokens;
	t->last_ttft_ms = s->ttft_ms;
	if (!isnan(s->ttft_ms)) {
		t->first_tokens++;
		t->sum_ttft_ms += s->ttft_ms;
	}
	if (model) {
		length = utf8_cut(model, strlen(model), sizeof(t->model) - 1);
		memcpy(t->model, model, length);
		t->model[length] = '\0';
	}
}

/* "INFO - OpenRouter ..." to the logger, under the level that the line names. */
static bool log_line(PyObject *logger, const char *line, size_t length)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = {{"DEBUG - ", 10}, {"INFO - ", 20}, {"WARNING - ", 30}, {"ERROR - ", 40}};
	PyObject *done;

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		size_t n = strlen(levels[i].name);

		if (length < n || memcmp(line, levels[i].name, n) != 0)
			continue;
		done = PyObject_CallMethod(
		    logger, "log", "is#", levels[i].level, line + n, (Py_ssize_t)(length - n));
		Py_XDECREF(done);
		return done;
	}
	return true;
}

void clear_exception(void)
{
	if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_Exception))
		PyErr_Clear();
}

void set_aside(struct aside *a)
{
	PyErr_Fetch(&a->type, &a->value, &a->traceback);
}

void set_back(struct aside *a)
{
	if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
		PyErr_Clear();
		PyErr_SetInterrupt(); /* raised again where the bot can see it */
	} else if (PyErr_Occurred()) {
		PyErr_WriteUnraisable(NULL);
	}
	PyErr_Restore(a->type, a->value, a->traceback);
}

/*
 * The words of ortail's log format. What goes wrong with them is not the bot's concern, but a
 * KeyboardInterrupt or SystemExit that comes meanwhile is: it stays set.
 */
static void log_ended(struct producer *p, const struct orbus_sample *s)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	locale_t before;
	bool ok = out;

	if (out) {
		before = uselocale(p->state->c_locale);
		log_sample(out, false, s);
		ok = fclose(out) == 0;
		uselocale(before);
	}
	for (char *line = text, *end; ok && (end = strchr(line, '\n')); line = end + 1)
		ok = log_line(p->logger, line, (size_t)(end - line));
	free(text);
	if (!ok) {
		clear_exception();
		producer_note(p, -EIO);
	}
}

static void add_to_summary(struct producer *p, const struct orbus_sample *s)
{
	struct orbus_sample copy = *s;

	if (!copy.bot)
		copy.bot = PyUnicode_AsUTF8(p->bot);
	if (!copy.ts)
		copy.ts = now_ns_of(CLOCK_REALTIME);
	if (!aggregate_add(p->summary, &copy))
		producer_note(p, -ENOMEM);
}

void producer_ended(struct producer *p, const struct orbus_sample *s)
{
	if (p->summary)
		add_to_summary(p, s);
	if (s->kind != ORBUS_KIND_REQUEST)
		return;
	if (s->status == ORBUS_STATUS_OK && !isnan(s->response_ms))
		add_to_totals(&p->totals, s);
	if (p->logger != Py_None)
		log_ended(p, s);
}

void producer_publish(struct producer *p, const struct orbus_sample *s)
{
	int err = p->handle ? orbus_publish(p->handle, s) : -EBADF;

	producer_note(p, err);
	if (!err)
		producer_ended(p, s);
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

/* --- What it can be asked -----------------------------------------------------------------------
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
