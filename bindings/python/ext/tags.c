/*
 * tags.c: tags as they are gathered for one sample.
 */
#include "tags.h"
#include "account.h"
#include "args.h"
#include "errors.h"
#include "tags_block.h"

/* Makes `keep` live as long as the list does. */
static bool keep_alive(struct tag_list *list, PyObject *keep)
{
	if (!list->keep)
		list->keep = PyList_New(0);
	return list->keep && PyList_Append(list->keep, keep) == 0;
}

static bool has_key(const struct tag_list *list, const char *key)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->tags[i].key, key) == 0)
			return true;
	return false;
}

static void add(struct tag_list *list, const char *key, const char *value)
{
	if (list->count < ORBUS_TAGS_MAX && !has_key(list, key))
		list->tags[list->count++] = (struct orbus_tag){key, value};
}

/* Ids are often numbers, so any object is taken as its str(). */
static bool take_tag_text(struct tag_list *list, PyObject *value, const char **out)
{
	PyObject *text = PyObject_Str(value), *keep = NULL;
	bool taken = text && take_text(text, "a tag", &keep, out) && keep_alive(list, keep);

	Py_XDECREF(text);
	Py_XDECREF(keep);
	return taken;
}

static bool add_tag(struct producer *p, struct tag_list *list, PyObject *key, PyObject *value)
{
	const char *name, *text;

	if (take_tag_text(list, key, &name) && take_tag_text(list, value, &text)) {
		add(list, name, text);
		return true;
	}
	clear_exception();
	producer_note(p, UNREADABLE);
	return !PyErr_Occurred();
}

bool add_tags(struct producer *p, struct tag_list *list, PyObject *dictionary)
{
	PyObject *key, *text;
	Py_ssize_t position = 0, n;

	if (is_absent(dictionary))
		return true;
	if (!PyDict_Check(dictionary)) {
		PyErr_Format(PyExc_TypeError, "tags must be a dict or None, not %.100s",
		    Py_TYPE(dictionary)->tp_name);
		return false;
	}
	n = PyDict_GET_SIZE(dictionary);
	if (n > ORBUS_TAGS_MAX) {
		PyErr_Format(
		    PyExc_ValueError, "%zd tags: a sample carries at most %d", n, ORBUS_TAGS_MAX);
		return false;
	}
	for (Py_ssize_t i = 0; i < n && PyDict_Next(dictionary, &position, &key, &text); i++) {
		bool added;

		/* A __str__ may do anything, to the dictionary too. */
		Py_INCREF(key);
		Py_INCREF(text);
		added = add_tag(p, list, key, text);
		Py_DECREF(key);
		Py_DECREF(text);
		if (!added)
			return false;
	}
	return true;
}

bool add_tags_around(struct producer *p, struct tag_list *list)
{
	PyObject *around = tags_around(p->state);
	bool added = around && add_tags(p, list, around);

	Py_XDECREF(around);
	return added;
}

bool add_known_tags(
    struct tag_list *list, const struct orbus_tag *tags, size_t count, PyObject *keep)
{
	if (keep && !keep_alive(list, keep))
		return false;
	for (size_t i = 0; i < count; i++)
		add(list, tags[i].key, tags[i].value);
	return true;
}
