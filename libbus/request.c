/*
 * request.c: the timer around one request, which is what a bot uses most.
 */
#include "now.h"
#include "orbus.h"
#include "producer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int orbus_request_begin(
    struct orbus_producer *p, struct orbus_request *r, const char *model, bool stream)
{
	struct orbus_sample begin;

	memset(r, 0, sizeof(*r));
	r->producer = p;
	snprintf(r->id, sizeof(r->id), "%016" PRIx64, producer_next_id(p));
	orbus_sample_init(&r->sample);
	r->sample.request_id = r->id;
	r->sample.requested_model = model;
	r->sample.stream = stream;
	begin = r->sample;
	begin.kind = ORBUS_KIND_BEGIN;
	r->start_ns = now_ns_of(CLOCK_MONOTONIC);
	return orbus_publish(p, &begin);
}

void orbus_request_first_token(struct orbus_request *r)
{
	if (r->first_token_ns == 0)
		r->first_token_ns = now_ns_of(CLOCK_MONOTONIC);
}

int orbus_request_end(struct orbus_request *r, enum orbus_status status)
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
	/* Where the API's id took the place of ours, readers still find the begin by ours. */
	if (!s->begin_id && s->request_id && strcmp(s->request_id, r->id) != 0)
		s->begin_id = r->id;
	return orbus_publish(r->producer, s);
}
