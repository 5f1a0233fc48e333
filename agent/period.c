/*
 * period.c: the hours and days that are being counted.
 */
#include "period.h"

#include <stdlib.h>
#include <string.h>

static struct period *find(const struct periods *p, enum period_kind kind, uint32_t label)
{
	struct period *one = p->first;

	while (one && (one->span.kind != kind || one->span.label != label))
		one = one->next;
	return one;
}

static struct period *open_period(struct periods *p, const struct period_span *span)
{
	struct period *one = p->count < PERIODS_MAX ? calloc(1, sizeof(*one)) : NULL;

	if (!one)
		return NULL;
	one->span = *span;
	aggregate_init(&one->sum);
	one->version = 1;
	one->next = p->first;
	p->first = one;
	p->count++;
	return one;
}

struct period *periods_at(struct periods *p, enum period_kind kind, uint64_t ts_ns)
{
	struct period *one = find(p, kind, calendar_label(&p->calendar, kind, ts_ns));
	struct period_span span;

	if (one)
		return one;
	calendar_span(&p->calendar, kind, ts_ns, &span);
	return open_period(p, &span);
}

struct period *periods_restore(
    struct periods *p, enum period_kind kind, uint32_t label, uint64_t start_ns, uint64_t end_ns)
{
	struct period_span span;

	if (find(p, kind, label))
		return NULL;
	calendar_span(&p->calendar, kind, start_ns, &span);
	if (span.label != label) {
		span = (struct period_span){
		    .kind = kind, .label = label, .start_ns = start_ns, .end_ns = end_ns};
		calendar_name(kind, label, span.name);
	}
	return open_period(p, &span);
}

struct period *periods_named(const struct periods *p, const char *name)
{
	struct period *one = p->first;

	while (one && strcmp(one->span.name, name) != 0)
		one = one->next;
	return one;
}

void period_touch(struct period *p)
{
	p->version++;
}

bool period_set_base(struct period *p, const struct aggregate *base, const struct trends *trends)
{
	if (base && !aggregate_merge(&p->sum, base))
		return false;
	if (trends) {
		struct trends own = p->trends;

		p->trends = *trends;
		p->trends.current_messages += own.current_messages;
		p->trends.current_errors += own.current_errors;
	}
	p->has_base = true;
	period_touch(p);
	return true;
}

bool period_is_over(const struct period *p, uint64_t now_ns)
{
	return now_ns >= p->span.end_ns;
}

bool period_needs_writing(const struct period *p, uint64_t now_ns)
{
	return p->has_base && (p->version != p->written_version ||
				  p->written_complete != period_is_over(p, now_ns));
}

void periods_close_finished(struct periods *p, uint64_t now_ns)
{
	struct period **place = &p->first;

	while (*place) {
		struct period *one = *place;

		if (!period_is_over(one, now_ns) || !one->has_base ||
		    period_needs_writing(one, now_ns)) {
			place = &one->next;
			continue;
		}
		*place = one->next;
		p->count--;
		aggregate_free(&one->sum);
		free(one);
	}
}

uint64_t periods_next_end(const struct periods *p, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	for (const struct period *one = p->first; one; one = one->next)
		if (one->span.end_ns > now_ns && one->span.end_ns < next)
			next = one->span.end_ns;
	return next;
}

void periods_free(struct periods *p)
{
	while (p->first) {
		struct period *one = p->first;

		p->first = one->next;
		aggregate_free(&one->sum);
		free(one);
	}
	p->count = 0;
}
