/*
 * filter.c: which samples of a bus are wanted.
 */
#include "filter.h"

#include <fnmatch.h>
#include <math.h>

static bool matches(const char *pattern, const char *text)
{
	return !pattern || (text && fnmatch(pattern, text, 0) == 0);
}

bool sample_filter_passes(const struct sample_filter *f, const struct orbus_sample *s)
{
	if (f->kind != FILTER_ANY && (int)s->kind != f->kind)
		return false;
	if (f->status != FILTER_ANY &&
	    (s->kind != ORBUS_KIND_REQUEST || (int)s->status != f->status))
		return false;
	/* Written so that an unknown duration is not long enough. */
	if (!isnan(f->min_ms) && !(s->response_ms >= f->min_ms))
		return false;
	return matches(f->model, s->model ? s->model : s->requested_model) &&
	       matches(f->bot, s->bot) && matches(f->provider, s->provider);
}
