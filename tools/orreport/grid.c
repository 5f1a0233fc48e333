/*
 * grid.c: the rows of a report as stretches of time.
 */
#include "grid.h"

#include <stdlib.h>
#include <string.h>

static bool append_row(struct report *r, size_t *capacity, const struct time_span *span)
{
	if (r->count == *capacity) {
		size_t more = *capacity ? 2 * *capacity : 64;
		struct report_row *rows = realloc(r->rows, more * sizeof(*rows));

		if (!rows)
			return false;
		r->rows = rows;
		*capacity = more;
	}
	row_init(&r->rows[r->count++], span);
	return true;
}

bool grid_make(struct report *r, const struct time_span *span)
{
	size_t capacity = 0;
	uint64_t at = span->start_ns;

	while (at < span->end_ns) {
		struct period_span p;
		struct time_span row;

		calendar_span(&r->calendar, r->per, at, &p);
		row.start_ns = p.start_ns > at ? p.start_ns : at;
		row.end_ns = p.end_ns < span->end_ns ? p.end_ns : span->end_ns;
		if (!append_row(r, &capacity, &row))
			return false;
		at = p.end_ns;
	}
	return true;
}

/* The row that holds a moment, r->count where none does. */
static size_t row_of(const struct report *r, uint64_t ns)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->rows[middle].span.end_ns <= ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->count && r->rows[low].span.start_ns <= ns ? low : r->count;
}

size_t grid_place(const struct report *r, const struct document_period *p)
{
	size_t start = row_of(r, p->start_ns);
	uint64_t length = p->end_ns - p->start_ns;

	if (start < r->count) {
		const struct time_span *row = &r->rows[start].span;

		if (p->end_ns <= row->end_ns || length > row->end_ns - row->start_ns)
			return start;
	}
	return row_of(r, p->start_ns + length / 2);
}

void grid_trim(struct report *r)
{
	size_t first = 0, last = r->count;

	while (last > 0 && r->rows[last - 1].files == 0)
		last--;
	while (first < last && r->rows[first].files == 0)
		first++;
	for (size_t i = 0; i < r->count; i++)
		if (i < first || i >= last)
			row_free(&r->rows[i]);
	memmove(r->rows, r->rows + first, (last - first) * sizeof(*r->rows));
	r->count = last - first;
}
