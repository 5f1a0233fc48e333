/*
 * checkpoint_restore.c: the aggregator and the place reached in every lane, of a checkpoint's
 * bytes: of its sections, or, as version 1 had it, of one document with everything.
 */
#include "checkpoint_restore.h"
#include "checkpoint_rest.h"
#include "checkpoint_section.h"
#include "doc/checkpoint_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -EBADMSG: one of that name is open already. */
static int open_period(struct aggregator *l, const struct saved_period *saved, struct period **out)
{
	int err = periods_restore(&l->periods, &saved->span, out);

	if (err)
		return err == -EEXIST ? -EBADMSG : err;
	(*out)->has_base = saved->has_base;
	(*out)->section_complete = saved->complete;
	return 0;
}

/* --- Sections --------------------------------------------------------------------------------- */

static int keep_section(struct period *p, const char *section, size_t size)
{
	p->section = malloc(size);
	if (!p->section)
		return -ENOMEM;
	memcpy(p->section, section, size);
	p->section_size = size;
	p->section_version = p->version;
	p->section_has_base = p->has_base;
	return 0;
}

/* Adds what it holds to the period that the section before it has opened, sealed or not. */
static int load_delta(struct aggregator *l, const struct saved_period *saved)
{
	struct period *p = l->periods.first; /* that was opened last */
	struct aggregate sum;
	struct trends trends;
	int err;

	if (!p || saved->span.label != p->span.label || saved->span.mark != p->span.mark ||
	    saved->span.kind != p->span.kind)
		return -EBADMSG;
	aggregate_init(&sum);
	memset(&trends, 0, sizeof(trends));
	err = saved_period_sum(saved, &sum, &trends);
	if (!err && !aggregate_merge(&p->sum, &sum))
		err = -ENOMEM;
	aggregate_free(&sum);
	p->trends.current_messages += trends.current_messages;
	p->trends.current_errors += trends.current_errors;
	p->version++;
	return err;
}

/* Opens the period of a section; one that is late is left as it is. */
static int load_period(struct aggregator *l, const struct saved_period *saved, const char *section,
    size_t size, uint64_t now_ns)
{
	struct period *p;
	int err = open_period(l, saved, &p);

	if (!err)
		err = keep_section(p, section, size);
	if (err)
		return err;
	p->sealed = saved->complete && saved->has_base && now_ns > 0 && period_is_late(p, now_ns);
	return p->sealed ? 0 : saved_period_sum(saved, &p->sum, &p->trends);
}

static int load_section(struct checkpoint_reader *r, struct aggregator *l, uint64_t now_ns)
{
	struct saved_period saved;
	const char *section;
	size_t size, length;
	char *bytes;
	int err;

	if (checkpoint_next(r, &section, &size) != 1)
		return -EBADMSG;
	err = checkpoint_decompress(section, size, &bytes, &length);
	if (err)
		return err;
	err = saved_period_read(bytes, length, &saved);
	if (!err)
		err = saved.delta ? load_delta(l, &saved)
		                  : load_period(l, &saved, section, size, now_ns);
	free(bytes);
	return err;
}

static int load_rest(struct checkpoint_reader *r, struct aggregator *l)
{
	size_t length;
	char *bytes;
	int err = checkpoint_next_document(r, &bytes, &length);

	if (err)
		return err;
	err = checkpoint_rest_read(bytes, length, l);
	free(bytes);
	return err;
}

static int load_sections(struct checkpoint_reader *r, struct aggregator *l, uint64_t now_ns)
{
	int err = load_rest(r, l);

	while (!err && r->at < r->end)
		err = load_section(r, l, now_ns);
	return err;
}

/* --- Version 1 -------------------------------------------------------------------------------- */

static int load_period_1(struct doc_source *s, struct aggregator *l)
{
	struct saved_period saved;
	struct doc_raw one;
	struct period *p;
	int err;

	doc_take_raw(s, &one);
	err = doc_result(s);
	if (!err)
		err = saved_period_read(one.bytes, one.length, &saved);
	if (!err)
		err = open_period(l, &saved, &p);
	return err ? err : saved_period_sum(&saved, &p->sum, &p->trends);
}

/* All periods are one list, without sections. */
static int load_periods_1(const char *bytes, size_t length, struct aggregator *l)
{
	static const char *const names[] = {"periods"};
	struct doc_keys keys = DOC_KEYS(names);
	struct doc_source s;
	int err = 0;

	doc_source_msgpack(&s, bytes, length);
	doc_open(&s);
	while (!err && doc_next_key(&s, &keys) >= 0) {
		doc_open_array(&s);
		while (!err && doc_item(&s))
			err = load_period_1(&s, l);
	}
	if (!err && !doc_has(&keys, 0))
		err = -EBADMSG;
	return err ? err : doc_result(&s);
}

static int load_version_1(struct checkpoint_reader *r, struct aggregator *l)
{
	size_t length = (size_t)(r->end - r->at);
	int err = load_periods_1(r->at, length, l);

	return err ? err : checkpoint_rest_read(r->at, length, l);
}

int checkpoint_restore(const void *bytes, size_t length, uint64_t now_ns, struct aggregator *l,
    struct checkpoint_bus *bus)
{
	struct checkpoint_reader r;
	int err;

	memset(bus, 0, sizeof(*bus));
	err = checkpoint_open(&r, bytes, length);
	if (!err)
		err = checkpoint_read_bus(&r, bus);
	if (err)
		return err;
	return r.version == 1 ? load_version_1(&r, l) : load_sections(&r, l, now_ns);
}
