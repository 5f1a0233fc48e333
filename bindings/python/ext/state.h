/*
 * state.h: what every file of the extension module orbus._orbus builds on: the module's state.
 *
 * Threads: everything here runs under the interpreter's lock (the GIL), which is what makes a
 * producer belong to one thread at a time, as orbus.h asks: two threads that publish through one
 * producer take turns, and a request may end in another thread than it began in. The lock is let
 * go in one place only, where a reader waits (reader.c). A build without the GIL is refused.
 *
 * Forks: a child goes on with its parent's producers (the library gives it a lane of its own), but
 * leaves alone what was under way in the parent: see fork_generation().
 */
#ifndef ORBUS_PYTHON_EXT_STATE_H
#define ORBUS_PYTHON_EXT_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "orbus.h"

#include <locale.h>

#ifdef Py_GIL_DISABLED
#error "orbus relies on the interpreter's lock: build it for a CPython with the GIL"
#endif

/* The names of arguments, interned once so that looking one up compares pointers. */
#define KEYWORDS(X)          \
	X(attempt)           \
	X(cached_tokens)     \
	X(completion_tokens) \
	X(cost_usd)          \
	X(error_type)        \
	X(estimated)         \
	X(http_status)       \
	X(message)           \
	X(model)             \
	X(name)              \
	X(prompt_tokens)     \
	X(reasoning_tokens)  \
	X(status)            \
	X(stream)            \
	X(tags)              \
	X(total_tokens)      \
	X(value)             \
	X(abandoned)         \
	X(cancelled)         \
	X(content_type)      \
	X(failure)           \
	X(generation_id)     \
	X(limit)             \
	X(retry_after)       \
	X(unread)

#define KEYWORD_ENUM(name) KEYWORD_##name,
enum keyword { KEYWORDS(KEYWORD_ENUM) KEYWORD_COUNT };

/* Of one interpreter's module. Lives as long as any of its types. */
struct module_state {
	PyTypeObject *producer_type, *request_type, *ready_type, *call_type, *reader_type,
	    *tags_block_type;
	PyObject *bus_error; /* orbus.BusError */
	PyObject *classify;  /* orbus._outcome.classify, once there was an exception */
	PyObject *tags_var;  /* a ContextVar: which orbus.tags() hold, see tags_block.c */
	PyObject *block_var; /* a ContextVar: a weak reference to the Request whose block runs */
	bool expects_calls;  /* a client is instrumented: blocks of requests tell that they run */
	PyObject *keywords[KEYWORD_COUNT];
	PyObject *sample_keys; /* a tuple: the keys of a sample's dictionary, see sample_dict.c */
	locale_t c_locale;     /* for figures in log lines, in place of the program's */
};

/* module.c; its address tells the module's types from others. */
extern struct PyModuleDef orbus_module;

/* The state behind a type of the module, or a class derived from it in Python. */
struct module_state *state_of_type(PyTypeObject *type);

/* How often this process has forked from another since the module was first used. */
unsigned fork_generation(void);

#endif
