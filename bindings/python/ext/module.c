/*
 * module.c: orbus._orbus, put together. Importing it makes types and nothing else: no bus, no
 * thread, no handler.
 */
#include "call.h"
#include "constants.h"
#include "llm/nesting.h"
#include "producer.h"
#include "reader.h"
#include "ready.h"
#include "request.h"
#include "sample_dict.h"
#include "stats.h"
#include "tags_block.h"

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec, const char *name, bool by_python)
{
	PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);

	if (!type)
		return NULL;
	if (!by_python)
		type->tp_new = NULL;
	Py_INCREF(type);
	if (name && PyModule_AddObject(module, name, (PyObject *)type) < 0) {
		Py_DECREF(type);
		Py_CLEAR(type);
	}
	return type;
}

#define KEYWORD_NAME(name) [KEYWORD_##name] = #name,

static bool intern_keywords(struct module_state *state)
{
	static const char *const names[] = {KEYWORDS(KEYWORD_NAME)};

	for (int i = 0; i < KEYWORD_COUNT; i++) {
		state->keywords[i] = PyUnicode_InternFromString(names[i]);
		if (!state->keywords[i])
			return false;
	}
	return true;
}

static bool add_error(PyObject *module, struct module_state *state)
{
	state->bus_error = PyErr_NewExceptionWithDoc("orbus.BusError",
	    "A bus that cannot be used: the message says why, and what to do; errno tells it to a "
	    "program.",
	    PyExc_OSError, NULL);
	if (!state->bus_error)
		return false;
	Py_INCREF(state->bus_error);
	return PyModule_AddObject(module, "BusError", state->bus_error) == 0;
}

/* What holds for what is called within: of tags_block.c, and of request.c. */
static bool make_variables(struct module_state *state)
{
	state->block_var = PyContextVar_New("orbus.block", NULL);
	state->tags_var = PyContextVar_New("orbus.tags", NULL);
	return state->block_var && state->tags_var;
}

static int execute(PyObject *module)
{
	struct module_state *state = PyModule_GetState(module);

	if (!intern_keywords(state) || !sample_keys_init(state) || !add_error(module, state))
		return -1;
	if (!make_variables(state))
		return -1;
	state->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!state->c_locale) {
		PyErr_NoMemory();
		return -1;
	}
	state->producer_type = add_type(module, &producer_spec, "Producer", true);
	state->request_type = add_type(module, &request_spec, "Request", false);
	state->ready_type = add_type(module, &ready_spec, NULL, false);
	state->call_type = add_type(module, &call_spec, "Call", true);
	state->reader_type = add_type(module, &reader_spec, "Reader", true);
	state->tags_block_type = add_type(module, &tags_block_spec, "TagsBlock", true);
	if (!state->producer_type || !state->request_type || !state->ready_type ||
	    !state->call_type || !state->reader_type || !state->tags_block_type)
		return -1;
	return constants_init(module);
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
	struct module_state *state = PyModule_GetState(module);

	Py_VISIT(state->producer_type);
	Py_VISIT(state->request_type);
	Py_VISIT(state->ready_type);
	Py_VISIT(state->call_type);
	Py_VISIT(state->reader_type);
	Py_VISIT(state->tags_block_type);
	Py_VISIT(state->bus_error);
	Py_VISIT(state->classify);
	Py_VISIT(state->tags_var);
	Py_VISIT(state->block_var);
	return 0;
}

static int clear(PyObject *module)
{
	struct module_state *state = PyModule_GetState(module);

	Py_CLEAR(state->producer_type);
	Py_CLEAR(state->request_type);
	Py_CLEAR(state->ready_type);
	Py_CLEAR(state->call_type);
	Py_CLEAR(state->reader_type);
	Py_CLEAR(state->tags_block_type);
	Py_CLEAR(state->bus_error);
	Py_CLEAR(state->classify);
	Py_CLEAR(state->tags_var);
	Py_CLEAR(state->block_var);
	Py_CLEAR(state->sample_keys);
	for (int i = 0; i < KEYWORD_COUNT; i++)
		Py_CLEAR(state->keywords[i]);
	return 0;
}

static void free_state(void *module)
{
	struct module_state *state = PyModule_GetState(module);

	clear(module);
	if (state->c_locale)
		freelocale(state->c_locale);
	state->c_locale = (locale_t)0;
}

/* expect_calls(): a client is instrumented. Before that a block is not told of, which would double
 * what a request costs. */
static PyObject *expect_calls(PyObject *module, PyObject *unused)
{
	struct module_state *state = PyModule_GetState(module);

	(void)unused;
	state->expects_calls = true;
	Py_RETURN_NONE;
}

/* same_bus(a, b): whether two names, None for the default one, mean one bus. */
static PyObject *same_bus(PyObject *module, PyObject *args)
{
	const char *a, *b;

	(void)module;
	if (!PyArg_ParseTuple(args, "zz:same_bus", &a, &b))
		return NULL;
	return PyBool_FromLong(nesting_is_same_bus(a, b));
}

static PyMethodDef functions[] = {
    {"expect_calls", expect_calls, METH_NOARGS, NULL},
    {"http_error_type", http_error_type, METH_O, NULL},
    {"stats", stats, METH_VARARGS, NULL},
    {"merge", merge, METH_O, NULL},
    {"quote", call_quote, METH_VARARGS, NULL},
    {"same_bus", same_bus, METH_VARARGS, NULL},
    {NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)(uintptr_t)execute},
    {0, NULL},
};

struct PyModuleDef orbus_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "orbus._orbus",
    .m_size = sizeof(struct module_state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = free_state,
};

PyMODINIT_FUNC PyInit__orbus(void);

PyMODINIT_FUNC PyInit__orbus(void)
{
	return PyModuleDef_Init(&orbus_module);
}
