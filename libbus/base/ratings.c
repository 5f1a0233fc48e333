/*
 * ratings.c: what a figure means to a person who waits for an answer.
 */
#include "ratings.h"
#include "number_text.h"
#include "term.h"

#include <math.h>

const struct rating_scale rating_response_ms = {.count = 4,
    .steps = {{2000, false, {"excellent", TONE_GOOD}}, {5000, true, {"good", TONE_FAIR}},
	{10000, true, {"slow", TONE_POOR}}, {NAN, false, {"very slow", TONE_BAD}}}};
const struct rating_scale rating_ttft_ms = {.count = 3,
    .steps = {{1000, false, {"excellent", TONE_GOOD}}, {3000, true, {"good", TONE_FAIR}},
	{NAN, false, {"noticeable", TONE_POOR}}}};
const struct rating_scale rating_tps = {.higher_is_better = true,
    .count = 4,
    .steps = {{50, false, {"excellent", TONE_GOOD}}, {20, true, {"good", TONE_FAIR}},
	{10, true, {"acceptable", TONE_POOR}}, {NAN, false, {"slow", TONE_BAD}}}};

struct rating rating_of(const struct rating_scale *scale, double value)
{
	size_t i = 0;

	if (isnan(value))
		return (struct rating){"", TONE_PLAIN};
	for (; i + 1 < scale->count; i++) {
		const struct rating_step *s = &scale->steps[i];

		if (s->inclusive && value == s->bound)
			break;
		if (scale->higher_is_better ? value > s->bound : value < s->bound)
			break;
	}
	return scale->steps[i].rating;
}

struct rating rate_response_ms(double ms)
{
	return rating_of(&rating_response_ms, ms);
}

struct rating rate_ttft_ms(double ms)
{
	return rating_of(&rating_ttft_ms, ms);
}

struct rating rate_tps(double tps)
{
	return rating_of(&rating_tps, tps);
}

void print_rated(FILE *out, bool colour, int width, int digits, double value, struct rating rating)
{
	if (isnan(value))
		fprintf(out, "%*s", width, "-");
	else
		fprintf(out, "%s%*s%s", tone_start(rating.tone, colour), width,
		    format_fixed(value, digits).text, tone_end(rating.tone, colour));
}
