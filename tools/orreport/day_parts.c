/*
 * day_parts.c: sums of files, by the row that they belong to.
 */
#include "day.h"
#include "stats/dimensions.h"

#include <stdlib.h>

void part_init(struct part *p, size_t row)
{
	*p = (struct part){.row = row};
	aggregate_init(&p->sum);
}

static struct part *part_at(struct day_group *g, size_t row)
{
	struct part *parts;

	for (size_t i = 0; i < g->part_count; i++)
		if (g->parts[i].row == row)
			return &g->parts[i];
	parts = realloc(g->parts, (g->part_count + 1) * sizeof(*parts));
	if (!parts)
		return NULL;
	g->parts = parts;
	part_init(&parts[g->part_count], row);
	return &parts[g->part_count++];
}

void group_drop_parts(struct day_group *g)
{
	for (size_t i = 0; i < g->part_count; i++)
		aggregate_free(&g->parts[i].sum);
	free(g->parts);
	g->parts = NULL;
	g->part_count = 0;
}

static void note_cover(const struct report_request *q, const struct report_file *f, struct part *p)
{
	uint64_t end = f->period.end_ns;

	if (!f->period.complete && f->changed_ns < end)
		end = f->changed_ns < q->now_ns ? f->changed_ns : q->now_ns;
	p->covered_ns += end > f->period.start_ns ? end - f->period.start_ns : 0;
	p->incomplete |= !f->period.complete;
	p->files++;
}

static void keep_parts(struct aggregate *a, unsigned parts)
{
#define KEEP(ID, name, letter)           \
	if (!(parts & DOCUMENT_##ID##S)) \
		name_table_clear(&a->by_##name);
	DIMENSIONS_LIST(KEEP)
#undef KEEP
}

void sum_move(struct aggregate *to, struct aggregate *from)
{
	aggregate_free(to);
	*to = *from;
	aggregate_init(from);
}

bool part_add(struct part *to, const struct part *p)
{
	to->files += p->files;
	to->covered_ns += p->covered_ns;
	to->incomplete |= p->incomplete;
	return aggregate_merge(&to->sum, &p->sum);
}

bool group_add(const struct report_request *q, struct day_group *g, struct part *p)
{
	struct part *row = part_at(g, p->row);

	if (!row || !part_add(&g->total, p))
		return false;
	keep_parts(&p->sum, q->row_parts);
	if (row->files > 0)
		return part_add(row, p);
	sum_move(&row->sum, &p->sum);
	row->files = p->files;
	row->covered_ns = p->covered_ns;
	row->incomplete = p->incomplete;
	return true;
}

void part_take(const struct report_request *q, struct report_file *f, size_t row, struct part *out)
{
	part_init(out, row);
	sum_move(&out->sum, &f->sum);
	note_cover(q, f, out);
}
