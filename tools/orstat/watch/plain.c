/*
 * plain.c: the watch where there is no screen to draw on.
 */
#include "plain.h"
#include "base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

void plain_heading(FILE *out)
{
	fprintf(out, "%-8s %9s %8s %7s %7s %7s %9s %8s  %s\n", "TIME", "REQ/S", "P50 s", "TTFT s",
	    "TPS", "ERRORS", "IN FLIGHT", "STALLED", "AGENT");
}

static void print_figure(FILE *out, int width, int digits, double value)
{
	if (isnan(value))
		fprintf(out, " %*s", width, "-");
	else
		fprintf(out, " %*.*f", width, digits, value);
}

static const char *condition(const struct watch_data *d)
{
	static const char *const words[] = {
	    [AGENT_NONE] = "none", [AGENT_LIVE] = "ok", [AGENT_LOST] = "lost"};

	return d->gone_ns ? "no bus" : words[d->health.state];
}

void plain_line(FILE *out, const struct watch_data *d, uint64_t interval_ns)
{
	const struct history_point *p = &d->points[HISTORY_INTERVALS - 1];
	time_t now = (time_t)(d->now_ns / NS_PER_SECOND);
	char at[16];
	struct tm tm = {0};

	localtime_r(&now, &tm);
	strftime(at, sizeof(at), "%H:%M:%S", &tm);
	fputs(at, out);
	print_figure(out, 9, 1, (double)p->requests * (double)NS_PER_SECOND / (double)interval_ns);
	print_figure(out, 8, 2, p->response_ms / 1000);
	print_figure(out, 7, 2, p->ttft_ms / 1000);
	print_figure(out, 7, 1, p->tps);
	fprintf(out, " %7" PRIu64 " %9zu %8zu  %s\n", p->failed, d->flight_count, stalled_count(d),
	    condition(d));
}
