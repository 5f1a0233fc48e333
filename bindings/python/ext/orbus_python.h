/*
 * orbus_python.h: what the files of the extension module orbus._orbus share.
 *
 * Threads: everything here runs under the interpreter's lock (the GIL), which is what makes a
 * producer belong to one thread at a time, as orbus.h asks: two threads that publish through one
 * producer take turns, and a request may end in another thread than it began in. The lock is let
 * go in one place only, where a reader waits (reader.c). A build without the GIL is refused.
 *
 * Forks: a child goes on with its parent's producers (the library gives it a lane of its own), but
 * leaves alone what was under way in the parent: see fork_generation().
 */
#ifndef ORBUS_PYTHON_EXT_PYTHON_H
#define ORBUS_PYTHON_EXT_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "orbus.h"
#include "stats/aggregate.h"

#include <errno.h>
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
	locale_t c_locale;     /* figures in log lines, whatever the program's locale is */
};

extern struct PyModuleDef orbus_module;

/* The state behind a type of the module, or a class derived from it in Python. */
struct module_state *state_of_type(PyTypeObject *type);

/* How often this process has forked from another since the module was first used. */
unsigned fork_generation(void);

/* Sets orbus.BusError for a negative errno of the library. Returns NULL. */
PyObject *set_bus_error(struct module_state *state, const char *bus, int err);

struct producer;

/* --- args.c -------------------------------------------------------------------------------------
 */

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

/* Tags as they are gathered for one sample: what comes first stays, and ORBUS_TAGS_MAX is the end.
 */
struct tag_list {
	struct orbus_tag *tags; /* room for ORBUS_TAGS_MAX */
	size_t count;
	PyObject *keep; /* a list: the texts live as long as it; NULL: nothing is kept */
};

/*
 * Adds a dictionary of tags; None and NULL add none. A tag whose str() raises an Exception is left
 * out, and counted. False: an exception is set.
 */
bool add_tags(struct producer *p, struct tag_list *list, PyObject *dictionary);

/* Adds those of orbus.tags(), if this is within one. */
bool add_tags_around(struct producer *p, struct tag_list *list);

/* Adds tags whose texts `keep` holds. */
bool add_known_tags(
    struct tag_list *list, const struct orbus_tag *tags, size_t count, PyObject *keep);

/* --- producer.c ---------------------------------------------------------------------------------
 */

/* Of the requests that ended with ok: what get_performance_stats() tells. */
struct totals {
	uint64_t requests, tokens, first_tokens;
	double last_response_ms, last_tps, last_ttft_ms; /* the last is NaN where there was none */
	double sum_response_ms, sum_ttft_ms;
	char model[128]; /* of the last one */
};

struct producer {
	PyObject_HEAD struct module_state *state;
	struct orbus_producer *handle; /* NULL: closed */
	PyObject *bot, *bus;           /* bus: None means the default */
	PyObject *logger;              /* None: nothing is logged */
	PyObject *weak_references;
	uint64_t dropped;
	int last_error;
	struct totals totals;
	uint64_t summary_start_ns;
	struct aggregate *summary; /* of all that it published; NULL: not kept */
};

extern PyType_Spec producer_spec;

/* For producer_note(): something that the program handed over could not be read, and was left out.
 */
#define UNREADABLE (-EPROTO)

/* Keeps the account of what could not be published. */
void producer_note(struct producer *p, int err);

/* Publishes a sample, or keeps the account. */
void producer_publish(struct producer *p, const struct orbus_sample *s);

/*
 * Forgets an exception of what was called on the bot's behalf. What is no Exception
 * (KeyboardInterrupt, SystemExit) is meant for the bot: it stays set.
 */
void clear_exception(void);

/*
 * Around what is done while an object is dropped, which may be when an exception of the bot's is in
 * flight: sets it aside, and back. An interrupt that comes in between is brought again.
 */
struct aside {
	PyObject *type, *value, *traceback;
};
void set_aside(struct aside *a);
void set_back(struct aside *a);

/*
 * After a sample was published: sums, and lines for the log. No exception may be set before; one
 * that is no Exception may be set after, and goes to the bot.
 */
void producer_ended(struct producer *p, const struct orbus_sample *s);

/* --- the other types ----------------------------------------------------------------------------
 */

extern PyType_Spec request_spec, ready_spec, call_spec, reader_spec, tags_block_spec;

/* An awaitable of that value: ready.c. */
PyObject *ready_new(const struct module_state *state, PyObject *value);

/* The tags of orbus.tags() that hold here: a dict or None, a new reference; NULL: an exception is
 * set.
 */
PyObject *tags_around(const struct module_state *state);

/* Producer.request(). */
PyObject *request_new(
    struct producer *p, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names);

/* --- sample_dict.c ------------------------------------------------------------------------------
 */

bool sample_keys_init(struct module_state *state);

/* A sample as a new dictionary of what is present, with tps and decode_tps. */
PyObject *sample_to_dict(const struct module_state *state, const struct orbus_sample *s);

/* Publishes the sample that is given by keywords. False: an exception is set. */
bool publish_keywords(
    struct producer *p, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names);

/* --- stats.c: functions of the module -------------------------------------------------------
 */

PyObject *stats(PyObject *module, PyObject *args);

/* What a producer's summary holds, as a new dictionary. */
PyObject *summary_to_dict(const struct aggregate *summary, uint64_t start_ns, uint64_t now_ns);

PyObject *merge(PyObject *module, PyObject *list);

#endif
