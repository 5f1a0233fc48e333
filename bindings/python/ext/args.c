/*
 * args.c: Python's arguments and values as C's.
 */
#include "args.h"
#include "llm/secret.h"

static Py_ssize_t place_of(
    const struct module_state *state, const struct signature *s, PyObject *name)
{
	for (Py_ssize_t i = 0; i < s->count; i++)
		if (state->keywords[s->keywords[i]] == name)
			return i;
	/* A name that is not interned: it came from a dictionary. */
	for (Py_ssize_t i = 0; i < s->count; i++)
		if (PyUnicode_Compare(state->keywords[s->keywords[i]], name) == 0)
			return i;
	PyErr_Format(
	    PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", s->name, name);
	return -1;
}

bool args_parse(const struct module_state *state, const struct signature *s, PyObject *const *args,
    Py_ssize_t count, PyObject *keyword_names, PyObject **out)
{
	Py_ssize_t keywords = keyword_names ? PyTuple_GET_SIZE(keyword_names) : 0;

	if (count > s->positional) {
		PyErr_Format(PyExc_TypeError,
		    "%s() takes at most %d positional arguments (%zd given)", s->name,
		    s->positional, count);
		return false;
	}
	for (Py_ssize_t i = 0; i < s->count; i++)
		out[i] = i < count ? args[i] : NULL;
	for (Py_ssize_t i = 0; i < keywords; i++) {
		Py_ssize_t place = place_of(state, s, PyTuple_GET_ITEM(keyword_names, i));

		if (place < 0)
			return false;
		if (out[place]) {
			PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'",
			    s->name, state->keywords[s->keywords[place]]);
			return false;
		}
		out[place] = args[count + i];
	}
	for (Py_ssize_t i = 0; i < s->required; i++)
		if (!out[i]) {
			PyErr_Format(PyExc_TypeError, "%s() missing the argument '%U'", s->name,
			    state->keywords[s->keywords[i]]);
			return false;
		}
	return true;
}

bool take_count(PyObject *value, const char *what, uint64_t *out)
{
	PyObject *whole;
	unsigned long long n;

	if (is_absent(value))
		return true;
	whole = PyNumber_Index(value);
	if (!whole) {
		/* What an __index__ raised by itself, an interrupt too, is the program's. */
		if (!PyErr_ExceptionMatches(PyExc_TypeError))
			return false;
		PyErr_Format(PyExc_TypeError, "%s must be a whole number or None, not %.100s", what,
		    Py_TYPE(value)->tp_name);
		return false;
	}
	n = PyLong_AsUnsignedLongLong(whole);
	Py_DECREF(whole);
	if (PyErr_Occurred()) {
		PyErr_Format(
		    PyExc_ValueError, "%s is %R: a count is from 0 to 2**64 - 2", what, value);
		return false;
	}
	*out = n;
	return true;
}

bool take_figure(PyObject *value, const char *what, double *out)
{
	double figure;

	if (is_absent(value))
		return true;
	figure = PyFloat_AsDouble(value);
	if (figure == -1 && PyErr_Occurred()) {
		if (PyErr_ExceptionMatches(PyExc_TypeError))
			PyErr_Format(PyExc_TypeError, "%s must be a number or None, not %.100s",
			    what, Py_TYPE(value)->tp_name);
		return false;
	}
	*out = figure;
	return true;
}

bool take_flag(PyObject *value, bool *out)
{
	int truth;

	if (is_absent(value))
		return true;
	truth = PyObject_IsTrue(value);
	if (truth < 0)
		return false;
	*out = truth;
	return true;
}

/* The text with everything that UTF-8 cannot hold replaced: a new reference. */
static PyObject *replace_unencodable(PyObject *text)
{
	PyObject *bytes, *clean = NULL;

	PyErr_Clear();
	bytes = PyUnicode_AsEncodedString(text, "utf-8", "replace");
	if (bytes)
		clean = PyUnicode_FromEncodedObject(bytes, "utf-8", "replace");
	Py_XDECREF(bytes);
	return clean;
}

/* Text of elsewhere may hold a NUL, behind which C would see none of it. */
static PyObject *replace_nuls(PyObject *text)
{
	PyObject *nul = PyUnicode_FromOrdinal(0), *sign = PyUnicode_FromOrdinal(0xfffd);
	PyObject *clean = nul && sign ? PyUnicode_Replace(text, nul, sign, -1) : NULL;

	Py_XDECREF(nul);
	Py_XDECREF(sign);
	return clean;
}

/* A str as C has it: `*text` is replaced, and its reference given up, where it cannot be. NULL with
 * an exception; *text is NULL then. */
static const char *make_utf8(PyObject **text)
{
	Py_ssize_t length;
	const char *utf8 = PyUnicode_AsUTF8AndSize(*text, &length);

	if (!utf8) {
		Py_SETREF(*text, replace_unencodable(*text));
		utf8 = *text ? PyUnicode_AsUTF8AndSize(*text, &length) : NULL;
	}
	if (utf8 && strlen(utf8) != (size_t)length) {
		Py_SETREF(*text, replace_nuls(*text));
		utf8 = *text ? PyUnicode_AsUTF8(*text) : NULL;
	}
	if (!utf8)
		Py_CLEAR(*text);
	return utf8;
}

bool take_text(PyObject *value, const char *what, PyObject **keep, const char **out)
{
	PyObject *text = value;
	const char *utf8 = NULL;

	if (is_absent(value)) {
		text = NULL;
	} else if (!PyUnicode_Check(value)) {
		PyErr_Format(PyExc_TypeError, "%s must be a str or None, not %.100s", what,
		    Py_TYPE(value)->tp_name);
		return false;
	} else {
		Py_INCREF(text);
		utf8 = make_utf8(&text);
		if (!utf8)
			return false;
	}
	Py_XSETREF(*keep, text);
	*out = utf8;
	return true;
}

bool take_message(PyObject *value, const char *what, PyObject **keep, const char **out)
{
	PyObject *masked;

	if (!take_text(value, what, keep, out))
		return false;
	if (!*out || !secret_is_in(*out, NULL))
		return true;
	masked = PyBytes_FromString(*out);
	if (!masked)
		return false;
	secret_mask(PyBytes_AS_STRING(masked), NULL);
	*out = PyBytes_AS_STRING(masked);
	Py_SETREF(*keep, masked);
	return true;
}
