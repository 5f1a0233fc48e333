/*
 * screen.c: what lies where on the screen.
 */
#include "screen.h"
#include "bars.h"
#include "head.h"
#include "lists.h"
#include "sparks.h"
#include "table.h"

struct layout layout_of(int rows)
{
	struct layout l = {.head = rows < 3   ? rows
	                           : rows < 4 ? 1
	                           : rows < 8 ? 2
	                                      : 3,
	    .foot = rows > 4};
	int left = rows - l.head - l.foot;

	l.spark_count = rows < 8 ? 0 : rows < 12 ? 2 : rows < 18 ? 3 : SPARKS_COUNT;
	l.spark_height = rows < 36 ? 1 : 2;
	left -= l.spark_count * l.spark_height;
	if (left >= 12) {
		l.failures = left * 4 / 15;
		l.flights = left * 4 / 15;
	} else if (left >= 8) {
		l.flights = 3;
	}
	l.table = left - l.failures - l.flights;
	return l;
}

static void draw_stats(struct canvas *c, int row, const struct layout *l,
    const struct watch_data *d, const struct orstat_settings *settings, struct watch_state *s)
{
	sparks_draw(c, row, l->spark_count, l->spark_height, d->points, settings->watch_ns);
	row += l->spark_count * l->spark_height;
	if (l->table > 0)
		table_draw(c, row, l->table, watch_stats(d), s);
	row += l->table;
	if (l->flights > 0)
		flights_draw(c, row, l->flights, d, s);
	row += l->flights;
	if (l->failures > 0)
		failures_draw(c, row, l->failures, d, s);
}

void screen_draw(struct canvas *c, const struct orstat_settings *settings,
    const struct watch_data *d, struct watch_state *s)
{
	struct layout l = layout_of(c->rows);
	int height = c->rows - l.head - l.foot;

	head_draw(c, l.head, settings, d, s);
	if (s->help)
		help_draw(c, l.head, height);
	else if (s->picture != PICTURE_FIGURES)
		bars_draw(c, l.head, height, watch_stats(d), s->picture);
	else
		draw_stats(c, l.head, &l, d, settings, s);
	if (l.foot)
		foot_draw(c, c->rows - 1, s);
}
