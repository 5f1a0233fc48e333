/*
 * request.c: the timer around one request, which is what a bot uses most.
 *
 * A struct orbus_request may be copied and moved: nothing in it points into it. The id of
 * the begin is put into the sample while that is published, and taken out again.
 */
#include "base/now.h"
#include "orbus.h"
#include "producer.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Sixteen hexadecimal digits. Not by snprintf(), which a signal handler may not call. */
static void spell(uint64_t id, char out[17])
{
	for (int i = 15; i >= 0; i--, id >>= 4)
		out[i] = "0123456789abcdef"[id & 15];
	out[16] = '\0';
}

int orbus_request_begin(
    struct orbus_producer *p, struct orbus_request *r, const char *model, bool stream)
{
	struct orbus_sample begin;
	uint64_t id;

	if (!r)
		return -EINVAL;
	memset(r, 0, sizeof(*r));
	orbus_sample_init(&r->sample);
	r->sample.requested_model = model;
	r->sample.stream = stream;
	r->start_ns = now_ns_of(CLOCK_MONOTONIC);
	if (!producer_next_id(p, &id))
		return -EINVAL;
	r->producer = p;
	spell(id, r->id);
	begin = r->sample;
	begin.kind = ORBUS_KIND_BEGIN;
	begin.request_id = r->id;
	return orbus_publish(p, &begin);
}

void orbus_request_first_token(struct orbus_request *r)
{
	if (r && r->first_token_ns == 0)
		r->first_token_ns = now_ns_of(CLOCK_MONOTONIC);
}

/* Fills in what the program did not set: times, and the model if it was the one asked for. */
static void complete(struct orbus_request *r, enum orbus_status status)
{
	struct orbus_sample *s = &r->sample;

	s->kind = ORBUS_KIND_REQUEST;
	s->status = status;
	if (s->ts == 0)
		s->ts = now_ns_of(CLOCK_REALTIME);
	if (isnan(s->response_ms))
		s->response_ms = (double)(now_ns_of(CLOCK_MONOTONIC) - r->start_ns) / 1e6;
	if (s->stream && r->first_token_ns)
		s->ttft_ms = (double)(r->first_token_ns - r->start_ns) / 1e6;
	if (!s->model && status == ORBUS_STATUS_OK)
		s->model = s->requested_model;
}

int orbus_request_end(struct orbus_request *r, enum orbus_status status)
{
	struct orbus_sample ended;
	int err;

	/* Never begun, or a struct of zeroes; or it has ended. */
	if (!r || !r->producer || !r->id[0])
		return -EINVAL;
	complete(r, status);
	ended = r->sample;
	if (!ended.request_id)
		ended.request_id = r->id;
	/* Where the API's id took the place of ours, readers still find the begin by ours. */
	else if (!ended.begin_id && strcmp(ended.request_id, r->id) != 0)
		ended.begin_id = r->id;
	err = orbus_publish(r->producer, &ended);
	/* A sample that was refused may be corrected, and ended again; one that was published may
	 * not.
	 */
	if (!err)
		r->producer = NULL;
	return err;
}
