/*
 * state.c: the state of the module, and forks.
 */
#include "state.h"

#include <pthread.h>

static unsigned forks; /* written in a child that has one thread, before it goes on */

static void note_fork(void)
{
	forks++;
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, note_fork);
}

unsigned fork_generation(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	return forks;
}

struct module_state *state_of_type(PyTypeObject *type)
{
	for (; type; type = type->tp_base) {
		PyObject *module =
		    type->tp_flags & Py_TPFLAGS_HEAPTYPE ? PyType_GetModule(type) : NULL;

		if (module && PyModule_GetDef(module) == &orbus_module)
			return PyModule_GetState(module);
		PyErr_Clear();
	}
	PyErr_SetString(PyExc_SystemError, "orbus: a type of another module was given");
	return NULL;
}
