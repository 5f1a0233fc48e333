/*
 * view.h: what was asked for by options that need to be read first, made ready: which
 * samples are shown, and how.
 */
#ifndef ORBUS_ORTAIL_VIEW_H
#define ORBUS_ORTAIL_VIEW_H

#include "conditions.h"
#include "highlight.h"
#include "live/filter.h"
#include "options.h"
#include "template.h"

struct ortail_view {
	const struct ortail_settings *settings;
	enum ortail_format format;
	bool colour;                 /* on a terminal */
	bool timestamps;             /* before each line of the log */
	struct template *template;   /* of FORMAT_TEMPLATE */
	struct highlight *highlight; /* NULL: nothing is looked for, or there is no colour */
	struct sample_filter filter; /* of all but the kind */
	struct conditions where, exclude;
};

/* Returns CLI_PROCEED, or the status to exit with, after a message. Free it either way. The
 * settings must live as long. */
int ortail_view_make(struct ortail_view *v, const struct ortail_settings *settings);
void ortail_view_free(struct ortail_view *v);

/* Whether the filters let a sample of any kind pass; and whether its kind is asked for too. */
bool ortail_view_passes(const struct ortail_view *v, const struct orbus_sample *s);
bool ortail_view_wants(const struct ortail_view *v, const struct orbus_sample *s);

#endif
