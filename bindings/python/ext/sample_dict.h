/*
 * sample_dict.h: a sample as a Python dictionary with the keys of orbus.h, to and fro.
 */
#ifndef ORBUS_PYTHON_EXT_SAMPLE_DICT_H
#define ORBUS_PYTHON_EXT_SAMPLE_DICT_H

#include "objects.h"

bool sample_keys_init(struct module_state *state);

/* A sample as a new dictionary of what is present, with tps and decode_tps. */
PyObject *sample_to_dict(const struct module_state *state, const struct orbus_sample *s);

/* Publishes the sample that is given by keywords. False: an exception is set. */
bool publish_keywords(
    struct producer *p, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names);

#endif
