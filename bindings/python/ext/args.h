/*
 * args.h: Python's arguments and values as C's.
 */
#ifndef ORBUS_PYTHON_EXT_ARGS_H
#define ORBUS_PYTHON_EXT_ARGS_H

#include "state.h"

/* Whether an argument was left out: NULL or None. */
static inline bool is_absent(PyObject *value)
{
	return !value || value == Py_None;
}

struct signature {
	const char *name;
	uint8_t count;      /* of arguments */
	uint8_t positional; /* of these, how many may be given by place */
	uint8_t required;   /* of these, how many must be given */
	uint8_t keywords[12];
};

/* Sorts the arguments of a METH_FASTCALL | METH_KEYWORDS method; absent ones are NULL. */
bool args_parse(const struct module_state *state, const struct signature *signature,
    PyObject *const *args, Py_ssize_t count, PyObject *keyword_names, PyObject **out);

/*
 * A value's content where it is of the right type; None and NULL leave *out as it is. False: an
 * exception is set, which names `what`.
 */
bool take_count(PyObject *value, const char *what, uint64_t *out);
bool take_figure(PyObject *value, const char *what, double *out);
bool take_flag(PyObject *value, bool *out);

/*
 * A text's UTF-8, which lives as long as *keep, a new reference; None gives NULL. What UTF-8 cannot
 * hold (a lone surrogate) becomes a question mark.
 */
bool take_text(PyObject *value, const char *what, PyObject **keep, const char **out);

/* The text of an error, in which what looks like a key is hidden. */
bool take_message(PyObject *value, const char *what, PyObject **keep, const char **out);

#endif
