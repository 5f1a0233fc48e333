/*
 * stats.h: current statistics and files of periods, as Python dictionaries.
 */
#ifndef ORBUS_PYTHON_EXT_STATS_H
#define ORBUS_PYTHON_EXT_STATS_H

#include "state.h"
#include "stats/aggregate.h"

/* Functions of the module: stats(bus, window), merge([(name, bytes), ...]). */
PyObject *stats(PyObject *module, PyObject *args);
PyObject *merge(PyObject *module, PyObject *list);

/* What a producer's summary holds, as a new dictionary. */
PyObject *summary_to_dict(const struct aggregate *summary, uint64_t start_ns, uint64_t now_ns);

#endif
