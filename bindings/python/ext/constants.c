/*
 * constants.c: the library's words, so that Python has no list of its own.
 */
#include "constants.h"
#include "llm/outcome.h"

PyObject *http_error_type(PyObject *module, PyObject *status)
{
	long number = PyLong_AsLong(status);

	(void)module;
	if (number == -1 && PyErr_Occurred())
		return NULL;
	return PyUnicode_FromString(outcome_http_type(number));
}
