/*
 * ready.c: an awaitable that is ready, for methods that must be awaited and never wait.
 */
#include "ready.h"

struct ready {
	PyObject_HEAD PyObject *value;
};

PyObject *ready_new(const struct module_state *state, PyObject *value)
{
	struct ready *ready = PyObject_New(struct ready, state->ready_type);

	if (ready) {
		Py_INCREF(value);
		ready->value = value;
	}
	return (PyObject *)ready;
}

static PyObject *ready_self(PyObject *self)
{
	Py_INCREF(self);
	return self;
}

static PyObject *ready_next(PyObject *self)
{
	PyErr_SetObject(PyExc_StopIteration, ((struct ready *)self)->value);
	return NULL;
}

static void ready_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	Py_DECREF(((struct ready *)self)->value);
	PyObject_Free(self);
	Py_DECREF(type);
}

#if PY_VERSION_HEX >= 0x030a0000
static PySendResult ready_send(PyObject *self, PyObject *unused, PyObject **result)
{
	(void)unused;
	*result = ((struct ready *)self)->value;
	Py_INCREF(*result);
	return PYGEN_RETURN;
}
#endif

static PyType_Slot ready_slots[] = {
    {Py_tp_dealloc, ready_dealloc},
    {Py_tp_iter, ready_self},
    {Py_tp_iternext, ready_next},
    {Py_am_await, ready_self},
#if PY_VERSION_HEX >= 0x030a0000
    {Py_am_send, ready_send},
#endif
    {0, NULL},
};

PyType_Spec ready_spec = {.name = "orbus._orbus.Ready",
    .basicsize = sizeof(struct ready),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = ready_slots};
