/*
 * sample_dict.c: a sample as a Python dictionary with the keys of orbus.h, to and fro.
 */
#include "sample_dict.h"
#include "account.h"
#include "args.h"
#include "sample/fields.h"
#include "sample/sample.h"
#include "tags.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* The keys, in the order of the tuple sample_keys: those of the table, then the rest. */
#define FIELD_ENUM(type, f) KEY_##f,
enum key {
	ORBUS_SAMPLE_FIELDS(FIELD_ENUM) KEY_kind,
	KEY_status,
	KEY_ts,
	KEY_tags,
	KEY_tps,
	KEY_decode_tps,
	KEY_COUNT
};

#define FIELD_NAME(type, f) [KEY_##f] = #f,
static const char *const key_names[KEY_COUNT] = {
    ORBUS_SAMPLE_FIELDS(FIELD_NAME)[KEY_kind] = "kind",
    [KEY_status] = "status",
    [KEY_ts] = "ts",
    [KEY_tags] = "tags",
    [KEY_tps] = "tps",
    [KEY_decode_tps] = "decode_tps",
};

bool sample_keys_init(struct module_state *state)
{
	state->sample_keys = PyTuple_New(KEY_COUNT);
	for (int i = 0; state->sample_keys && i < KEY_COUNT; i++) {
		PyObject *name = PyUnicode_InternFromString(key_names[i]);

		if (!name)
			return false;
		PyTuple_SET_ITEM(state->sample_keys, i, name);
	}
	return state->sample_keys;
}

/* --- To Python ----------------------------------------------------------------------------------
 */

struct building {
	const struct module_state *state;
	PyObject *dict;
	bool failed;
};

/* Takes over the value. */
static void put(struct building *b, enum key key, PyObject *value)
{
	if (!value || PyDict_SetItem(b->dict, PyTuple_GET_ITEM(b->state->sample_keys, key), value))
		b->failed = true;
	Py_XDECREF(value);
}

#define PUT_STRING(f) \
	if (s->f)     \
		put(&b, KEY_##f, PyUnicode_FromString(s->f));
#define PUT_BOOL(f) \
	if (s->f)   \
		put(&b, KEY_##f, PyBool_FromLong(1));
#define PUT_UINT(f)             \
	if (s->f != ORBUS_NONE) \
		put(&b, KEY_##f, PyLong_FromUnsignedLongLong(s->f));
#define PUT_DOUBLE(f)     \
	if (!isnan(s->f)) \
		put(&b, KEY_##f, PyFloat_FromDouble(s->f));
#define PUT(type, f) PUT_##type(f)

static void put_tags(struct building *b, const struct orbus_sample *s)
{
	PyObject *tags = PyDict_New();

	for (size_t i = 0; tags && i < s->tag_count; i++) {
		PyObject *text = PyUnicode_FromString(s->tags[i].value);

		if (!text || PyDict_SetItemString(tags, s->tags[i].key, text))
			b->failed = true;
		Py_XDECREF(text);
	}
	put(b, KEY_tags, tags);
}

static void put_derived(struct building *b, const struct orbus_sample *s)
{
	double tps = orbus_sample_tps(s), decode_tps = orbus_sample_decode_tps(s);

	if (!isnan(tps))
		put(b, KEY_tps, PyFloat_FromDouble(tps));
	if (!isnan(decode_tps))
		put(b, KEY_decode_tps, PyFloat_FromDouble(decode_tps));
}

PyObject *sample_to_dict(const struct module_state *state, const struct orbus_sample *s)
{
	struct building b = {.state = state, .dict = PyDict_New()};

	if (!b.dict)
		return NULL;
	put(&b, KEY_kind, PyUnicode_FromString(orbus_kind_name(s->kind)));
	put(&b, KEY_ts, PyLong_FromUnsignedLongLong(s->ts));
	if (s->kind == ORBUS_KIND_REQUEST)
		put(&b, KEY_status, PyUnicode_FromString(orbus_status_name(s->status)));
	ORBUS_SAMPLE_FIELDS(PUT)
	if (s->tag_count > 0)
		put_tags(&b, s);
	put_derived(&b, s);
	if (!b.failed)
		return b.dict;
	Py_DECREF(b.dict);
	return NULL;
}

/* --- From Python --------------------------------------------------------------------------------
 */

struct given {
	struct producer *producer;
	struct orbus_sample sample;
	struct orbus_tag tags[ORBUS_TAGS_MAX];
	PyObject *kept[KEY_COUNT]; /* what the sample's texts live in */
};

#define TAKE_STRING(f) take_text(value, #f, &g->kept[KEY_##f], &g->sample.f)
#define TAKE_BOOL(f)   take_flag(value, &g->sample.f)
#define TAKE_UINT(f)   take_count(value, #f, &g->sample.f)
#define TAKE_DOUBLE(f) take_figure(value, #f, &g->sample.f)
#define TAKE(type, f) \
	case KEY_##f: return TAKE_##type(f);

static bool take_word(PyObject *value, const char *what, const char *choices,
    bool (*from_name)(const char *, size_t, int *), int *out)
{
	Py_ssize_t length;
	const char *text = PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, &length) : NULL;

	if (text && from_name(text, (size_t)length, out))
		return true;
	PyErr_Clear();
	PyErr_Format(PyExc_ValueError, "%s is %R: give %s", what, value, choices);
	return false;
}

static bool kind_from_name(const char *name, size_t length, int *out)
{
	enum orbus_kind kind;
	bool found = sample_kind_from_name(name, length, &kind);

	*out = found ? (int)kind : 0;
	return found;
}

static bool status_from_name(const char *name, size_t length, int *out)
{
	enum orbus_status status;
	bool found =
	    sample_status_from_name(name, length, &status) && status != ORBUS_STATUS_ORPHANED;

	*out = found ? (int)status : 0;
	return found;
}

static bool take_key(struct given *g, int key, PyObject *value)
{
	struct tag_list list = {.tags = g->tags};
	int word = 0;
	bool taken;

	/* A message often comes from a server, which may repeat a key. */
	if (key == KEY_error_message)
		return take_message(
		    value, "error_message", &g->kept[key], &g->sample.error_message);
	switch (key) {
		ORBUS_SAMPLE_FIELDS(TAKE)
	case KEY_kind:
		taken = take_word(value, "kind", "request, begin, progress, gauge or count",
		    kind_from_name, &word);
		g->sample.kind = (enum orbus_kind)word;
		return taken;
	case KEY_status:
		taken = take_word(
		    value, "status", "ok, error, timeout or cancelled", status_from_name, &word);
		g->sample.status = (enum orbus_status)word;
		return taken;
	case KEY_ts: return take_count(value, "ts (nanoseconds since 1970)", &g->sample.ts);
	case KEY_tags:
		taken = add_tags(g->producer, &list, value);
		g->sample.tags = g->tags;
		g->sample.tag_count = list.count;
		Py_XSETREF(g->kept[KEY_tags], list.keep);
		return taken;
	default: return true; /* derived: what tail() says may be published again */
	}
}

static int key_of(const struct module_state *state, PyObject *name)
{
	for (int i = 0; i < KEY_COUNT; i++)
		if (PyTuple_GET_ITEM(state->sample_keys, i) == name)
			return i;
	for (int i = 0; i < KEY_COUNT; i++)
		if (PyUnicode_Compare(PyTuple_GET_ITEM(state->sample_keys, i), name) == 0)
			return i;
	PyErr_Format(PyExc_TypeError, "publish() got an unexpected keyword argument '%U'", name);
	return -1;
}

bool publish_keywords(
    struct producer *p, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names)
{
	struct given g = {.producer = p, .kept = {NULL}};
	Py_ssize_t n = keyword_names ? PyTuple_GET_SIZE(keyword_names) : 0;
	bool taken = count == 0;

	orbus_sample_init(&g.sample);
	if (!taken)
		PyErr_SetString(PyExc_TypeError, "publish() takes keyword arguments only");
	for (Py_ssize_t i = 0; taken && i < n; i++) {
		int key = key_of(p->state, PyTuple_GET_ITEM(keyword_names, i));

		taken = key >= 0 && take_key(&g, key, args[i]);
	}
	if (taken)
		producer_publish(p, &g.sample);
	for (int i = 0; i < KEY_COUNT; i++)
		Py_XDECREF(g.kept[i]);
	return taken && !PyErr_Occurred();
}
