/*
 * reader.c: orbus._orbus.Reader: the samples of a bus, one after another, for orbus.tail().
 *
 * The interpreter's lock is let go while it waits. Meanwhile other threads may call close(), which
 * then takes effect when the wait is over, and nothing else.
 */
#include "reader.h"
#include "errors.h"
#include "sample_dict.h"

#include <errno.h>

struct reader {
	PyObject_HEAD struct module_state *state;
	struct orbus_reader *handle; /* NULL: closed */
	unsigned generation;
	bool waiting, closing;
};

/* Reader(bus=None, skip=False) */
static PyObject *reader_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	static char *names[] = {"bus", "skip", NULL};
	struct module_state *state = state_of_type(type);
	const char *bus = NULL;
	int skip = 0, err;
	struct reader *r;

	if (!state ||
	    !PyArg_ParseTupleAndKeywords(args, keywords, "|zp:Reader", names, &bus, &skip))
		return NULL;
	r = (struct reader *)type->tp_alloc(type, 0);
	if (!r)
		return NULL;
	r->state = state;
	r->generation = fork_generation();
	err = orbus_reader_open(bus, &r->handle);
	if (err) {
		Py_DECREF(r);
		return set_bus_error(state, bus, err);
	}
	if (skip)
		orbus_reader_skip(r->handle);
	return (PyObject *)r;
}

/* The handle, or NULL with an exception. */
static struct orbus_reader *usable(struct reader *r)
{
	const char *why = NULL;

	if (r->generation != fork_generation())
		why = "a reader is not inherited by a forked process: open another";
	else if (!r->handle || r->closing)
		why = "the reader is closed";
	else if (r->waiting)
		why = "the reader is in use by another thread: open one a thread";
	if (why)
		PyErr_SetString(PyExc_ValueError, why);
	return why ? NULL : r->handle;
}

/* A dictionary, or None where there is no sample now. */
static PyObject *reader_next(PyObject *self, PyObject *unused)
{
	struct reader *r = (struct reader *)self;
	struct orbus_reader *handle = usable(r);
	struct orbus_sample sample;

	(void)unused;
	if (!handle)
		return NULL;
	if (orbus_reader_next(handle, &sample) != 1)
		Py_RETURN_NONE;
	return sample_to_dict(r->state, &sample);
}

static void close_handle(struct reader *r)
{
	/* A forked child does not have the mappings that it would undo. */
	if (r->generation == fork_generation())
		orbus_reader_close(r->handle);
	r->handle = NULL;
}

/* wait(timeout_ms): whether there may be something to read. */
static PyObject *reader_wait(PyObject *self, PyObject *timeout)
{
	struct reader *r = (struct reader *)self;
	struct orbus_reader *handle = usable(r);
	long ms = PyLong_AsLong(timeout);
	int ready;

	if (!handle || (ms == -1 && PyErr_Occurred()))
		return NULL;
	ms = ms < 0 ? 0 : ms > 500 ? 500 : ms; /* so that a signal's handler is never late */
	r->waiting = true;
	Py_BEGIN_ALLOW_THREADS ready = orbus_reader_wait(handle, (int)ms);
	Py_END_ALLOW_THREADS r->waiting = false;
	if (r->closing)
		close_handle(r);
	if (PyErr_CheckSignals() < 0)
		return NULL;
	return PyBool_FromLong(ready == 1);
}

static PyObject *reader_close(PyObject *self, PyObject *unused)
{
	struct reader *r = (struct reader *)self;

	(void)unused;
	r->closing = true;
	if (!r->waiting)
		close_handle(r);
	Py_RETURN_NONE;
}

static void reader_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	close_handle((struct reader *)self);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyObject *get_lost(PyObject *self, void *unused)
{
	struct orbus_reader *handle = usable((struct reader *)self);

	(void)unused;
	return handle ? PyLong_FromUnsignedLongLong(orbus_reader_lost(handle)) : NULL;
}

static PyObject *get_rejected(PyObject *self, void *unused)
{
	struct orbus_reader *handle = usable((struct reader *)self);

	(void)unused;
	return handle ? PyLong_FromUnsignedLongLong(orbus_reader_rejected(handle)) : NULL;
}

static PyMethodDef methods[] = {
    {"next", reader_next, METH_NOARGS, NULL},
    {"wait", reader_wait, METH_O, NULL},
    {"close", reader_close, METH_NOARGS, NULL},
    {NULL},
};

static PyGetSetDef properties[] = {
    {"lost", get_lost, NULL, NULL, NULL},
    {"rejected", get_rejected, NULL, NULL, NULL},
    {NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, reader_new},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, NULL},
};

PyType_Spec reader_spec = {.name = "orbus._orbus.Reader",
    .basicsize = sizeof(struct reader),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots};
