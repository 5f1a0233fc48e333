/*
 * errors.c: exceptions of ours, and what is done about those of others.
 */
#include "errors.h"
#include "orbus.h"

#include <errno.h>
#include <stdlib.h>

PyObject *set_bus_error(struct module_state *state, const char *bus, int err)
{
	const char *name = bus ? bus : getenv("ORBUS");
	PyObject *message, *error;

	if (err == -ENOMEM)
		return PyErr_NoMemory();
	message = PyUnicode_FromFormat("bus '%s': %s", name && *name ? name : "orbus",
	    err == -EINVAL ? "no bus name: give one such as orbus, or an absolute path on a tmpfs"
			   : orbus_strerror(err));
	error = message ? PyObject_CallFunction(state->bus_error, "iO", -err, message) : NULL;
	if (error)
		PyErr_SetObject(state->bus_error, error);
	Py_XDECREF(message);
	Py_XDECREF(error);
	return NULL;
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
