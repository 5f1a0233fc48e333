/*
 * checkpoint_draft.c: a checkpoint in the making.
 *
 * Its sections: the bus; what the aggregator holds beside its periods; then one for each period
 * (checkpoint_section.h), which is rendered only where the period has changed.
 */
#include "checkpoint_draft.h"
#include "checkpoint_rest.h"
#include "checkpoint_section.h"
#include "stats/aggregate_bytes.h"

#include <errno.h>
#include <stdlib.h>

/* --- As of one instant ------------------------------------------------------------------------ */

static int put_bus(struct checkpoint_draft *d, const struct checkpoint_bus *bus, uint64_t now_ns)
{
	struct msgpack_writer m;
	struct writer *w = &m.writer;

	msgpack_writer_init(&m);
	writer_object(w, NULL);
	writer_count(w, "written_at", now_ns);
	checkpoint_bus_write(bus, w);
	writer_end(w);
	d->bus = msgpack_writer_take(&m, &d->bus_length);
	return d->bus ? 0 : -ENOMEM;
}

static bool is_rendered(const struct checkpoint_period *s)
{
	const struct period *p = s->period;

	return p->sealed ||
	       (p->section && p->section_version == s->version &&
		   p->section_complete == s->complete && p->section_has_base == s->has_base);
}

/* What the document of a period says beside its sum. */
static void describe(struct checkpoint_draft *d, struct checkpoint_period *s, uint64_t now_ns,
    const struct document_sources *documents)
{
	const struct period *p = s->period;
	struct document_context *c = &s->context;

	aggregator_trends(documents->aggregator, p, now_ns, &s->shown);
	*c = document_context_now(documents, now_ns);
	c->trends = &s->shown;
	/* As of the draft's instant: the aggregator's goes on. */
	c->lifetime = &d->lifetime;
	c->bots = d->bots;
	c->bot_count = d->bot_count;
	if (s->complete)
		c->in_flight = 0;
}

/* Its minutes count from the start of the period: every document of it says that. */
static void name_period(struct checkpoint_period *s)
{
	struct document_context *c = &s->context;
	const struct period *p = s->period;

	c->period_kind = p->span.kind == PERIOD_DAILY ? "daily" : "hourly";
	c->start_ns = p->span.start_ns;
	c->end_ns = p->span.end_ns;
	c->complete = s->complete;
	c->restorable = true;
}

static void begin_period(struct checkpoint_draft *d, struct checkpoint_period *s, struct period *p,
    uint64_t now_ns, const struct document_sources *documents)
{
	s->period = p;
	s->version = p->version;
	s->complete = period_is_over(p, now_ns);
	s->has_base = p->has_base;
	s->own = p->trends;
	if (is_rendered(s)) {
		s->section = p->section;
		s->size = p->section_size;
		s->has_delta = !period_is_whole(p);
		name_period(s);
		return;
	}
	s->is_new = true;
	if (documents)
		describe(d, s, now_ns, documents);
	name_period(s);
}

int checkpoint_draft_begin(struct checkpoint_draft *d, const struct aggregator *l,
    const struct checkpoint_bus *bus, uint64_t now_ns, const struct document_sources *documents)
{
	int err;

	*d = (struct checkpoint_draft){0};
	aggregate_init(&d->lifetime);
	d->periods = calloc(l->periods.count + 1, sizeof(*d->periods));
	d->bots = bots_copy(l->bots, &d->bot_count);
	err = d->periods && d->bots && aggregate_merge_totals(&d->lifetime, &l->lifetime) ? 0
	                                                                                  : -ENOMEM;
	if (!err)
		err = put_bus(d, bus, now_ns);
	if (!err) {
		d->rest = checkpoint_rest_write(l, now_ns, &d->rest_length);
		err = d->rest ? 0 : -ENOMEM;
	}
	for (struct period *p = l->periods.first; !err && p; p = p->next)
		begin_period(d, &d->periods[d->count++], p, now_ns, documents);
	for (size_t i = 0; !err && i < d->count; i++)
		d->has_marks |= d->periods[i].period->span.mark != PERIOD_UNMARKED;
	for (size_t i = 0; i < bus->journal.file_count; i++)
		d->has_marks |= bus->journal.files[i].name.mark != PERIOD_UNMARKED;
	return err;
}

bool checkpoint_period_is_read(const struct checkpoint_period *s)
{
	return s->is_new || s->has_delta;
}

size_t checkpoint_draft_names(const struct checkpoint_draft *d)
{
	size_t names = 0;

	for (size_t i = 0; i < d->count; i++) {
		const struct aggregate *sum = &d->periods[i].period->sum;

		if (checkpoint_period_is_read(&d->periods[i]))
			names += 1 + aggregate_names(sum);
	}
	return names;
}

/* --- Rendering -------------------------------------------------------------------------------- */

/* `delta`: the section adds to the one before it. */
static int render_period(struct checkpoint_compressor *compressor,
    const struct checkpoint_period *s, bool delta, char **section, size_t *size)
{
	const struct checkpoint_section what = {.span = &s->period->span,
	    .has_base = s->has_base,
	    .complete = s->complete,
	    .delta = delta,
	    .sum = &s->period->sum,
	    .context = &s->context,
	    .own = &s->own};

	return checkpoint_section_write(compressor, &what, section, size);
}

/* What has come for a sealed period, behind the section that it is sealed as. */
static int add_delta(struct checkpoint_draft *d, struct checkpoint_compressor *compressor,
    struct checkpoint_period *s)
{
	char *section;
	size_t size;
	int err = render_period(compressor, s, true, &section, &size);

	if (err)
		return err;
	err = checkpoint_add(&d->file, section, size);
	free(section);
	return err;
}

static int add_document(struct checkpoint_draft *d, struct checkpoint_compressor *compressor,
    const char *document, size_t length)
{
	char *section;
	size_t size;
	int err = checkpoint_compress(compressor, document, length, &section, &size);

	if (err)
		return err;
	err = checkpoint_add(&d->file, section, size);
	free(section);
	return err;
}

static int render(struct checkpoint_draft *d, struct checkpoint_compressor *compressor)
{
	int err = checkpoint_begin(&d->file);

	if (!err)
		err = add_document(d, compressor, d->bus, d->bus_length);
	if (!err)
		err = add_document(d, compressor, d->rest, d->rest_length);
	for (size_t i = 0; !err && i < d->count; i++) {
		struct checkpoint_period *s = &d->periods[i];

		if (s->is_new) {
			err = render_period(compressor, s, false, &s->section, &s->size);
			s->bytes = aggregate_bytes(&s->period->sum);
		}
		if (!err)
			err = checkpoint_add(&d->file, s->section, s->size);
		if (!err && s->has_delta)
			err = add_delta(d, compressor, s);
	}
	if (!err)
		checkpoint_finish(&d->file, d->has_marks);
	return err;
}

void checkpoint_draft_render(struct checkpoint_draft *d)
{
	struct checkpoint_compressor *compressor = checkpoint_compressor_new();

	d->error = compressor ? render(d, compressor) : -ENOMEM;
	checkpoint_compressor_free(compressor);
}

char *checkpoint_draft_take(struct checkpoint_draft *d, size_t *length)
{
	char *bytes = d->file.bytes;

	*length = d->file.length;
	d->file = (struct buffer){0};
	return bytes;
}

void checkpoint_draft_give_back(struct checkpoint_draft *d)
{
	for (size_t i = 0; i < d->count; i++) {
		struct checkpoint_period *s = &d->periods[i];
		struct period *p = s->period;

		if (!s->is_new || !s->section)
			continue;
		free(p->section);
		p->section = s->section;
		p->section_size = s->size;
		p->section_version = s->version;
		p->section_complete = s->complete;
		p->section_has_base = s->has_base;
		p->bytes = s->bytes;
		s->is_new = false;
	}
}

void checkpoint_draft_free(struct checkpoint_draft *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->periods[i].is_new)
			free(d->periods[i].section);
	free(d->periods);
	free(d->bus);
	free(d->rest);
	free(d->bots);
	free(d->file.bytes);
	aggregate_free(&d->lifetime);
	*d = (struct checkpoint_draft){0};
}
