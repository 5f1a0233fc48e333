/*
 * call_end.c: the end of an instrumented call.
 */
#include "call_end.h"
#include "account.h"

#include <errno.h>
#include <stdio.h>

void call_let_go(struct call *c)
{
	if (c->begun)
		llm_call_free(&c->call);
	c->begun = false;
	Py_CLEAR(c->body);
	Py_CLEAR(c->secret);
	Py_CLEAR(c->url);
	Py_CLEAR(c->kept_id);
}

const struct orbus_sample *call_sample(const struct call *c)
{
	return &c->call.request.sample;
}

const char *call_id(const struct call *c)
{
	return c->call.request.id;
}

const struct orbus_tag *call_tags(const struct call *c, size_t *count)
{
	*count = c->call.options.tag_count;
	return c->tags;
}

void call_take_over(struct call *c, const char *id)
{
	snprintf(c->call.request.id, sizeof(c->call.request.id), "%s", id);
}

void call_publish(struct call *c)
{
	struct llm_call *x = &c->call;
	int err = c->producer->handle ? orbus_request_end(&x->request, x->outcome.status) : -EBADF;

	producer_note(c->producer, err);
	if (!err)
		producer_ended(c->producer, &x->request.sample);
	call_let_go(c);
}

void call_finish(struct call *c, const struct llm_call_result *result)
{
	struct request *r = c->within;

	c->ended = true;
	c->within = NULL;
	if (r && r->open == c)
		r->open = NULL;
	/* A child's copy of what its parent has begun is the parent's to end. */
	if (c->generation != fork_generation()) {
		call_let_go(c);
	} else {
		llm_call_judge(&c->call, result);
		if (r && !r->ended && !r->done) {
			Py_INCREF((PyObject *)c);
			r->done = c;
		} else {
			call_publish(c);
		}
	}
	Py_XDECREF((PyObject *)r);
}

void call_end_with_block(struct call *c)
{
	struct llm_call_result result = c->result;

	result.program_aborted = true;
	call_finish(c, &result);
}
