/*
 * constants.c: the library's words, so that Python has no list of its own.
 */
#include "constants.h"
#include "llm/outcome.h"
#include "ring/producer.h"

PyObject *http_error_type(PyObject *module, PyObject *status)
{
	long number = PyLong_AsLong(status);

	(void)module;
	if (number == -1 && PyErr_Occurred())
		return NULL;
	return PyUnicode_FromString(outcome_http_type(number));
}

int constants_init(PyObject *module)
{
	if (PyModule_AddIntConstant(module, "BOT_MAX", PRODUCER_BOT_MAX) < 0 ||
	    PyModule_AddIntConstant(module, "TAGS_MAX", ORBUS_TAGS_MAX) < 0)
		return -1;
	return PyModule_AddStringConstant(module, "__version__", orbus_version());
}
