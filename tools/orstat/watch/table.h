/*
 * table.h: the table by model, bot or provider: its rows, their order, its columns.
 */
#ifndef ORBUS_ORSTAT_WATCH_TABLE_H
#define ORBUS_ORSTAT_WATCH_TABLE_H

#include "canvas.h"
#include "state.h"
#include "stats/snapshot.h"

struct table_row {
	const char *name;             /* belongs to the snapshot */
	double values[COLUMNS_COUNT]; /* NaN: unknown */
};

/*
 * The snapshot's rows that pass the filter, in the order that was chosen; malloc'ed, NULL: out of
 * memory. Rows that are alike in that are in the order of their names, and what is unknown comes
 * last, so that nothing jumps about.
 */
struct table_row *table_rows(
    const struct snapshot *snapshot, const struct watch_state *s, size_t *count);

/* Which columns fit, a bit each; *name_width is the name's. */
uint32_t table_columns(int columns, int *name_width);

/* Draws a heading, a row of all, and the rows; notes in *s what is shown. */
void table_draw(
    struct canvas *c, int top, int height, const struct snapshot *snapshot, struct watch_state *s);

#endif
