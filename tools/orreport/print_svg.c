/*
 * print_svg.c: the trend as a picture, in the colours that the reader's screen prefers.
 */
#include "print_svg.h"
#include "row_stats.h"

#include <math.h>
#include <string.h>

#define WIDTH        960
#define LEFT         70
#define RIGHT        20
#define PANEL_HEIGHT 104 /* of its plot */
#define PANEL_STEP   170
#define TOP          58
#define COUNT_OF(a)  (sizeof(a) / sizeof((a)[0]))

static const struct panel {
	const char *title, *unit;
	bool bars;
	struct {
		const char *name, *style;
		row_figure of;
	} lines[2];
} panels[] = {
    {"Requests", "", true, {{"requests", "a", figure_requests}, {"failed", "bad", figure_failed}}},
    {"Response time", " s", false,
	{{"p50", "a", figure_response_p50}, {"p95", "b", figure_response_p95}}},
    {"Time to first token", " s", false,
	{{"p50", "a", figure_ttft_p50}, {"p95", "b", figure_ttft_p95}}},
    {"Tokens a second", "", false, {{"average", "a", figure_tps}}},
    {"Tokens", "", true, {{"tokens", "a", figure_tokens}}},
    {"Cost", "$", true, {{"cost", "a", figure_cost}}},
};

static const char *const style =
    "svg text{font:13px system-ui,sans-serif;fill:#1f2933}svg .dim{fill:#66737f;font-size:11px}"
    "svg .head{font-weight:600}svg .ground{fill:#fff}svg .grid{stroke:#dfe4e8}"
    "svg .line{fill:none;stroke-width:2;stroke-linejoin:round}"
    "svg .line.a{stroke:#1d6fb8}svg .line.b{stroke:#c2640c}svg .fill.a{fill:#1d6fb8}"
    "svg .fill.b{fill:#c2640c}svg .fill.bad{fill:#c22f3d}"
    "@media(prefers-color-scheme:dark){svg text{fill:#e3e8ec}svg .dim{fill:#94a1ac}"
    "svg .ground{fill:#14191e}svg .grid{stroke:#2c353d}svg .line.a{stroke:#62b0f4}"
    "svg .line.b{stroke:#f0a04b}svg .fill.a{fill:#62b0f4}svg .fill.b{fill:#f0a04b}"
    "svg .fill.bad{fill:#f2707c}}";

struct plot {
	FILE *out;
	const struct report *r;
	double top; /* the value at the upper edge */
	double y;   /* of that edge */
};

/* The next of 1, 1.5, 2, 3, ... 10, 15, ... at or above a value. */
static double round_up(double value)
{
	static const double steps[] = {1, 1.5, 2, 3, 4, 5, 6, 8, 10};
	double power = pow(10, floor(log10(value)));

	for (size_t i = 0; i < COUNT_OF(steps); i++)
		if (steps[i] * power >= value)
			return steps[i] * power;
	return value;
}

static double highest(const struct report *r, const struct panel *p)
{
	double high = 0;

	for (size_t l = 0; l < COUNT_OF(p->lines) && p->lines[l].of; l++)
		for (size_t i = 0; i < r->count; i++)
			high = fmax(high, p->lines[l].of(&r->rows[i]));
	return high;
}

static double x_of(const struct plot *p, double row)
{
	return LEFT + (WIDTH - LEFT - RIGHT) * row / (double)p->r->count;
}

static double y_of(const struct plot *p, double value)
{
	return p->y + PANEL_HEIGHT * (1 - value / p->top);
}

static void print_scale(const struct plot *p, const char *unit)
{
	double by = p->top >= 2e6 ? 1e6 : p->top >= 2e3 ? 1e3 : 1;
	const char *letter = by == 1e6 ? "M" : by == 1e3 ? "k" : "";
	bool money = *unit == '$';

	for (int i = 0; i <= 2; i++) {
		double value = p->top * i / 2, y = y_of(p, value);

		fprintf(p->out,
		    "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"dim\" x=\"%d\" y=\"%.1f\" "
		    "text-anchor=\"end\">%s%.4g%s%s</text>\n",
		    LEFT, y, WIDTH - RIGHT, LEFT - 8, y + 4, money ? "$" : "", value / by,
		    i ? letter : "", money ? "" : unit);
	}
}

static void print_bars(const struct plot *p, const char *class, row_figure of)
{
	double step = x_of(p, 1) - x_of(p, 0), gap = step > 4 ? step * 0.18 : 0;

	fprintf(p->out, "<path class=\"fill %s\" d=\"", class);
	for (size_t i = 0; i < p->r->count; i++) {
		double value = of(&p->r->rows[i]), y = y_of(p, value);

		if (value > 0)
			fprintf(p->out, "M%.1f %.1fh%.2fV%.1fh%.2fz", x_of(p, (double)i) + gap / 2,
			    y, step - gap, y_of(p, 0), gap - step);
	}
	fputs("\"/>\n", p->out);
}

/* A line with gaps where a value is unknown; a single point between gaps is a dot. */
static void print_line(const struct plot *p, const char *class, row_figure of)
{
	bool on = false;

	fprintf(p->out, "<path class=\"line %s\" stroke-linecap=\"round\" d=\"", class);
	for (size_t i = 0; i < p->r->count; i++) {
		double value = of(&p->r->rows[i]);

		if (!isnan(value))
			fprintf(p->out, "%c%.1f %.1f%s", on ? 'L' : 'M', x_of(p, (double)i + 0.5),
			    y_of(p, value), on ? "" : "h0");
		on = !isnan(value);
	}
	fputs("\"/>\n", p->out);
}

/* Some six labels, each under its row. */
static void print_times(const struct plot *p)
{
	size_t each = (p->r->count + 5) / 6;

	for (size_t i = 0; i < p->r->count; i += each ? each : 1) {
		char label[TIME_NAME_BYTES];

		time_label(&p->r->calendar, p->r->per, p->r->rows[i].span.start_ns, label);
		fprintf(p->out,
		    "<text class=\"dim\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
		    x_of(p, (double)i + 0.5), p->y + PANEL_HEIGHT + 18, label);
	}
}

static void print_panel(const struct plot *plot, const struct panel *p)
{
	fprintf(plot->out, "<text class=\"head\" x=\"%d\" y=\"%.1f\">%s</text>\n", LEFT,
	    plot->y - 12, p->title);
	print_scale(plot, p->unit);
	for (size_t l = 0; l < COUNT_OF(p->lines) && p->lines[l].of; l++) {
		if (p->bars)
			print_bars(plot, p->lines[l].style, p->lines[l].of);
		else
			print_line(plot, p->lines[l].style, p->lines[l].of);
		fprintf(plot->out,
		    "<path class=\"fill %s\" d=\"M%zu %.1fh10v10h-10z\"/><text class=\"dim\" x=\"%zu\" "
		    "y=\"%.1f\">%s</text>\n",
		    p->lines[l].style, 300 + 90 * l, plot->y - 21, 314 + 90 * l, plot->y - 12,
		    p->lines[l].name);
	}
	print_times(plot);
}

void svg_print(FILE *out, const struct report *r)
{
	struct plot plot = {.out = out, .r = r, .y = TOP + 20};
	char name[TIME_NAME_BYTES];
	size_t shown = 0;

	for (size_t i = 0; i < COUNT_OF(panels); i++)
		shown += highest(r, &panels[i]) > 0;
	time_name(&r->calendar, &r->total.span, name);
	fprintf(out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %zu\" width=\"%d\" "
	    "role=\"img\" aria-label=\"orbus, %s\">\n",
	    WIDTH, TOP + PANEL_STEP * shown + 10, WIDTH, name);
	fprintf(out, "<style>%s</style>\n", style);
	fputs("<path class=\"ground\" d=\"M0 0h10000v10000H0z\"/>\n", out);
	fprintf(out, "<text class=\"head\" x=\"%d\" y=\"26\">orbus, %s%s</text>\n", LEFT, name,
	    r->calendar.utc ? " UTC" : "");
	for (size_t i = 0; i < COUNT_OF(panels); i++) {
		double high = highest(r, &panels[i]);

		if (!(high > 0))
			continue;
		plot.top = round_up(high);
		print_panel(&plot, &panels[i]);
		plot.y += PANEL_STEP;
	}
	fputs("</svg>\n", out);
}
