/*
 * block.c: the block of a Request, and the calls that are made in it.
 */
#include "block.h"
#include "account.h"
#include "call_end.h"
#include "llm/nesting.h"

#include <string.h>

/* The request that a value of block_var means, NULL: none. A new reference. */
static struct request *request_meant(const struct module_state *state, PyObject *reference)
{
	PyObject *found = NULL;

	if (!reference || !PyWeakref_CheckRef(reference))
		return NULL;
#if PY_VERSION_HEX >= 0x030d0000
	if (PyWeakref_GetRef(reference, &found) < 0)
		PyErr_Clear();
#else
	found = PyWeakref_GetObject(reference);
	Py_XINCREF(found);
#endif
	if (found && Py_TYPE(found) == state->request_type)
		return (struct request *)found;
	Py_XDECREF(found);
	return NULL;
}

/* What block_var is in this context: a new reference, NULL: nothing. */
static PyObject *current_block(const struct module_state *state)
{
	PyObject *value = NULL;

	if (PyContextVar_Get(state->block_var, NULL, &value) < 0)
		PyErr_Clear();
	return value;
}

static void set_block(const struct module_state *state, PyObject *value)
{
	PyObject *token = PyContextVar_Set(state->block_var, value);

	if (!token)
		PyErr_Clear();
	Py_XDECREF(token);
}

/* Out of memory, the block is none: its calls are counted as they would be without it. */
void block_enter(struct request *r)
{
	const struct module_state *state = r->producer->state;
	PyObject *reference;

	if (!state->expects_calls || r->outer || r->ended)
		return;
	reference = PyWeakref_NewRef((PyObject *)r, NULL);
	if (!reference) {
		PyErr_Clear();
		return;
	}
	r->outer = current_block(state);
	if (!r->outer) {
		Py_INCREF(Py_None);
		r->outer = Py_None;
	}
	set_block(state, reference);
	Py_DECREF(reference);
}

/*
 * Not by a token: the block of a generator may be left in another context than it was entered in,
 * where the variable is another request's.
 */
void block_leave(struct request *r)
{
	const struct module_state *state = r->producer->state;
	PyObject *value;
	struct request *meant;

	if (!r->outer)
		return;
	value = current_block(state);
	meant = request_meant(state, value);
	if (meant == r)
		set_block(state, r->outer);
	Py_XDECREF((PyObject *)meant);
	Py_XDECREF(value);
	Py_CLEAR(r->outer);
}

/* NULL: the default one. */
static const char *bus_of(const struct producer *p)
{
	return p->bus == Py_None ? NULL : PyUnicode_AsUTF8(p->bus);
}

/*
 * What ended in the block is a sample by itself, since another call begins: it has the block's
 * begin, and the block gets a new one for that call.
 */
static void publish_done(struct request *r)
{
	const struct orbus_sample *s = &r->request.sample;
	struct call *done = r->done;
	struct orbus_request next;

	r->done = NULL;
	call_take_over(done, r->request.id);
	producer_note(r->producer,
	    orbus_request_begin(r->producer->handle, &next, s->requested_model, s->stream));
	memcpy(r->request.id, next.id, sizeof(r->request.id));
	call_publish(done);
	Py_DECREF((PyObject *)done);
}

struct request *request_around(struct producer *p)
{
	PyObject *value = current_block(p->state);
	struct request *r = request_meant(p->state, value);

	Py_XDECREF(value);
	if (r && (!p->handle || r->ended || r->open || r->generation != fork_generation() ||
		     !r->producer->handle || !nesting_is_same_bus(bus_of(p), bus_of(r->producer))))
		Py_CLEAR(r);
	if (r && r->done)
		publish_done(r);
	return r;
}
