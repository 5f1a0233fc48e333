/*
 * main.c: current statistics: for people, as JSON, or as one line for monitoring, or live.
 */
#include "advise.h"
#include "base/options.h"
#include "base/sigbus.h"
#include "check.h"
#include "common/print.h"
#include "live/bus_error.h"
#include "orstat/watch/watch.h"
#include "view.h"

#include <stdio.h>

#define TOOL "orstat"

static int print_json_of(const struct orstat_settings *settings)
{
	struct statistics s;
	int status;

	statistics_read(settings->bus, (enum statistics_window)settings->window, &s);
	bus_board_report(TOOL, settings->bus, s.board_error);
	if (s.error)
		return bus_error_report(TOOL, settings->bus, s.error);
	status = view_print_json(stdout, &s, JSON_INDENT(2)) ? CLI_FAILED : CLI_FINE;
	statistics_free(&s);
	return status;
}

static int print_snapshot(const struct orstat_settings *settings, const struct snapshot *s)
{
	if (settings->check)
		return check_print(settings, s);
	if (settings->advise)
		return advise_print(settings, s);
	view_print(stdout, settings, s, output_wants_colour(stdout));
	return CLI_FINE;
}

static int print_once(const struct orstat_settings *settings)
{
	struct snapshot *s;
	int board_error, status;
	int err = statistics_snapshot(
	    settings->bus, (enum statistics_window)settings->window, &s, &board_error);

	bus_board_report(TOOL, settings->bus, board_error);
	if (err && settings->check)
		return check_print_unknown(settings, err);
	if (err)
		return bus_error_report(TOOL, settings->bus, err);
	status = print_snapshot(settings, s);
	snapshot_unref(s);
	return status;
}

int main(int argc, char **argv)
{
	struct orstat_settings settings = {0};
	int status;

	output_init();
	status = cli_parse(&orstat_program, argc, argv, &settings);
	if (status == CLI_PROCEED)
		status = check_prepare(&settings);
	if (status != CLI_PROCEED)
		return status;
	if (settings.watch_ns && (settings.check || settings.advise))
		return cli_usage_error(
		    &orstat_program, "--watch: give it without --check and --advise");
	sigbus_reads_zeros();
	if (settings.watch_ns)
		return watch_run(&settings);
	/* Advice has JSON of its own. */
	if (settings.json && !settings.check && !settings.advise)
		status = print_json_of(&settings);
	else
		status = print_once(&settings);
	return output_flush(TOOL, NULL) < 0 ? CLI_FAILED : status;
}
