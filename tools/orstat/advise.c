/*
 * advise.c: what the statistics give reason to do, for people and as JSON. The rules are in
 * common/advice.h.
 */
#include "advise.h"
#include "common/advice/advice.h"
#include "common/print.h"
#include "live/bus_error.h"
#include "stats/windows.h"

static void print_head(
    const struct orstat_settings *settings, const struct snapshot *s, bool colour)
{
	char bus[64];

	bus_display_name(settings->bus, bus, sizeof(bus));
	printf("%sorbus%s  bus %s  advice %s\n", tone_start(TONE_STRONG, colour),
	    tone_end(TONE_STRONG, colour), bus, window_names[settings->window].span);
	if (!s->agent.present)
		printf("%sno agent is running: this is of what the ring still holds%s\n",
		    tone_start(TONE_POOR, colour), tone_end(TONE_POOR, colour));
	putchar('\n');
}

static int print_as_json(
    const struct orstat_settings *settings, const struct snapshot *s, const struct advice *advice)
{
	json_t *o = advice_to_json(advice);
	int err = o ? 0 : -1;

	if (!err)
		err = json_object_set_new(
		    o, "window", json_string(window_names[settings->window].name));
	if (!err)
		err = json_object_set_new(
		    o, "source", json_string(s->agent.present ? "agent" : "ring"));
	if (!err)
		err = print_json(stdout, o, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
	return err;
}

int advise_print(const struct orstat_settings *settings, const struct snapshot *s)
{
	bool colour = output_wants_colour(stdout);
	struct advice advice;
	int err = advice_make(s, window_names[settings->window].span, &advice);

	if (!err && settings->json) {
		err = print_as_json(settings, s, &advice);
	} else if (!err) {
		print_head(settings, s, colour);
		advice_print(stdout, &advice, colour);
	}
	advice_free(&advice);
	if (!err)
		return CLI_FINE;
	fputs("orstat: out of memory\n", stderr);
	return CLI_FAILED;
}
