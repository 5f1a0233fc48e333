/*
 * tags_block.c: orbus._orbus.TagsBlock: how the block of orbus.tags() is entered and left, what
 * holds within. The arguments are checked in Python, by the derived class.
 *
 * It is in C so that no interrupt comes in between: CPython runs a signal's handler between
 * opcodes, not within a function in C, and none between such an __enter__() and the block, or
 * between the block and its __exit__().
 *
 * The variable holds a tuple of WITHIN_FIELDS, or None.
 */
#include "tags_block.h"
#include "structmember.h"

struct tags_block {
	PyObject_HEAD PyObject *tags; /* a dict of str to str, which nobody changes; NULL: none */
};

enum { WITHIN_TAGS, WITHIN_OWNER, WITHIN_OUTER, WITHIN_FIELDS };

static bool is_within(PyObject *value)
{
	return value && PyTuple_Check(value) && PyTuple_GET_SIZE(value) == WITHIN_FIELDS;
}

/* A new reference, which is None where nothing holds; NULL: an exception is set. */
static PyObject *current(const struct module_state *state)
{
	PyObject *value = NULL;

	if (PyContextVar_Get(state->tags_var, Py_None, &value) < 0)
		return NULL;
	return value;
}

static bool set(const struct module_state *state, PyObject *value)
{
	PyObject *token = PyContextVar_Set(state->tags_var, value);

	Py_XDECREF(token);
	return token != NULL;
}

PyObject *tags_around(const struct module_state *state)
{
	PyObject *value = current(state), *tags = NULL;

	if (value) {
		tags = is_within(value) ? PyTuple_GET_ITEM(value, WITHIN_TAGS) : Py_None;
		Py_INCREF(tags);
		Py_DECREF(value);
	}
	return tags;
}

/* The block's own, and as many of those around it as there is room for. */
static PyObject *joined(PyObject *own, PyObject *around)
{
	PyObject *tags = own && PyDict_Check(own) ? PyDict_Copy(own) : PyDict_New();
	PyObject *key, *value;
	Py_ssize_t position = 0;

	while (tags && around && PyDict_GET_SIZE(tags) < ORBUS_TAGS_MAX &&
	       PyDict_Next(around, &position, &key, &value))
		if (!PyDict_SetDefault(tags, key, value))
			Py_CLEAR(tags);
	return tags;
}

static PyObject *tags_block_enter(PyObject *self, PyObject *unused)
{
	const struct module_state *state = state_of_type(Py_TYPE(self));
	PyObject *outer, *tags, *within;
	bool entered;

	(void)unused;
	outer = state ? current(state) : NULL;
	if (!outer)
		return NULL;
	tags = joined(((struct tags_block *)self)->tags,
	    is_within(outer) ? PyTuple_GET_ITEM(outer, WITHIN_TAGS) : NULL);
	within = tags ? PyTuple_Pack(WITHIN_FIELDS, tags, self, outer) : NULL;
	entered = within && set(state, within);
	Py_XDECREF(within);
	Py_XDECREF(tags);
	Py_DECREF(outer);
	if (!entered)
		return NULL;
	Py_INCREF(self);
	return self;
}

/*
 * Not by a token: a generator's block may be left in another context than it was entered in, where
 * the variable is of other blocks, which stay. A block within that was never left (CPython 3.9 can
 * interrupt a program there) is left with this one.
 */
static PyObject *tags_block_exit(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	const struct module_state *state = state_of_type(Py_TYPE(self));
	PyObject *value = state ? current(state) : NULL, *within = value;
	bool left = true;

	(void)args;
	(void)count;
	if (!value)
		return NULL;
	while (is_within(within) && PyTuple_GET_ITEM(within, WITHIN_OWNER) != self)
		within = PyTuple_GET_ITEM(within, WITHIN_OUTER);
	if (is_within(within))
		left = set(state, PyTuple_GET_ITEM(within, WITHIN_OUTER));
	Py_DECREF(value);
	if (!left)
		return NULL;
	Py_RETURN_NONE;
}

static void tags_block_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	Py_XDECREF(((struct tags_block *)self)->tags);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"__enter__", tags_block_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))tags_block_exit, METH_FASTCALL, NULL},
    {NULL},
};

static PyMemberDef members[] = {
    {"_tags", T_OBJECT, offsetof(struct tags_block, tags), 0, NULL},
    {NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, tags_block_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, NULL},
};

PyType_Spec tags_block_spec = {.name = "orbus._orbus.TagsBlock",
    .basicsize = sizeof(struct tags_block),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots};
