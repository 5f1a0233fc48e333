/*
 * stats.c: current statistics, and files of periods added up, as Python dictionaries.
 */
#include "stats.h"
#include "base/clock.h"
#include "board/current.h"
#include "doc/document.h"
#include "doc/period_file.h"
#include "errors.h"

#include <errno.h>
#include <string.h>

/* --- JSON to Python -----------------------------------------------------------------------------
 */

static PyObject *to_python(const json_t *value);

static PyObject *object_to_python(const json_t *object)
{
	PyObject *dict = PyDict_New();
	const char *key;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)object, key, member)
	{
		PyObject *value = dict ? to_python(member) : NULL;

		if (!value || PyDict_SetItemString(dict, key, value) < 0)
			Py_CLEAR(dict);
		Py_XDECREF(value);
		if (!dict)
			break;
	}
	return dict;
}

static PyObject *array_to_python(const json_t *array)
{
	PyObject *list = PyList_New((Py_ssize_t)json_array_size(array));

	for (size_t i = 0; list && i < json_array_size(array); i++) {
		PyObject *value = to_python(json_array_get(array, i));

		if (value)
			PyList_SET_ITEM(list, (Py_ssize_t)i, value);
		else
			Py_CLEAR(list);
	}
	return list;
}

static PyObject *to_python(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT: return object_to_python(value);
	case JSON_ARRAY: return array_to_python(value);
	case JSON_STRING:
		return PyUnicode_FromStringAndSize(
		    json_string_value(value), (Py_ssize_t)json_string_length(value));
	case JSON_INTEGER: return PyLong_FromLongLong(json_integer_value(value));
	case JSON_REAL: return PyFloat_FromDouble(json_real_value(value));
	case JSON_TRUE: Py_RETURN_TRUE;
	case JSON_FALSE: Py_RETURN_FALSE;
	default: Py_RETURN_NONE;
	}
}

/* Takes over the document; NULL: out of memory. */
static PyObject *json_to_dict(json_t *document)
{
	PyObject *dict = document ? to_python(document) : PyErr_NoMemory();

	json_decref(document);
	return dict;
}

/* --- stats(bus, window) -------------------------------------------------------------------------
 */

PyObject *stats(PyObject *module, PyObject *args)
{
	struct statistics s;
	enum statistics_window window;
	const char *bus, *name;
	PyObject *document, *agent;

	if (!PyArg_ParseTuple(args, "zs:stats", &bus, &name))
		return NULL;
	if (!statistics_window_from_name(name, &window))
		return PyErr_Format(
		    PyExc_ValueError, "window is '%.100s': give %s", name, WINDOW_WORDS);
	statistics_read(bus, window, &s);
	if (s.error)
		return set_bus_error(PyModule_GetState(module), bus, s.error);
	document = to_python(s.document);
	agent = s.agent ? to_python(s.agent) : Py_BuildValue("");
	statistics_free(&s);
	if (document && agent && PyDict_SetItemString(document, "agent", agent) == 0) {
		PyObject *source = PyUnicode_FromString(agent == Py_None ? "ring" : "agent");

		if (!source || PyDict_SetItemString(document, "source", source) < 0)
			Py_CLEAR(document);
		Py_XDECREF(source);
	} else {
		Py_CLEAR(document);
	}
	Py_XDECREF(agent);
	return document;
}

/* --- A producer's own ----------------------------------------------------------------------------
 */

PyObject *summary_to_dict(const struct aggregate *summary, uint64_t start_ns, uint64_t now_ns)
{
	struct document_context context = {.period_kind = "start",
	    .start_ns = start_ns,
	    .end_ns = now_ns,
	    .uptime_seconds = now_ns > start_ns ? (now_ns - start_ns) / NS_PER_SECOND : 0,
	    .saved_at_ns = now_ns};

	return json_to_dict(document_from_aggregate(summary, &context));
}

/* --- merge([(name, bytes), ...]) ----------------------------------------------------------------
 */

static bool add_item(struct period_sum *sum, PyObject *item)
{
	PyObject *name;
	const char *bytes;
	Py_ssize_t length;
	int err;

	if (!PyArg_ParseTuple(item, "Oy#", &name, &bytes, &length))
		return false;
	err = period_sum_add(sum, bytes, (size_t)length);
	if (err == -ENOMEM)
		PyErr_NoMemory();
	else if (err)
		PyErr_Format(PyExc_ValueError,
		    "%S: not a file of an orbus agent, or a damaged one: leave it out", name);
	return !err;
}

PyObject *merge(PyObject *module, PyObject *list)
{
	struct period_sum sum;
	PyObject *merged = NULL;
	bool added = PyList_Check(list) && PyList_GET_SIZE(list) > 0;

	(void)module;
	if (!added)
		PyErr_SetString(PyExc_ValueError, "no files to merge");
	period_sum_init(&sum);
	for (Py_ssize_t i = 0; added && i < PyList_GET_SIZE(list); i++)
		added = add_item(&sum, PyList_GET_ITEM(list, i));
	if (added)
		merged = json_to_dict(period_sum_document(&sum));
	period_sum_free(&sum);
	return merged;
}
