/*
 * ratings.c: what a figure means to a person who waits for an answer.
 */
#include "ratings.h"
#include "number_text.h"
#include "term.h"

#include <math.h>

struct rating rate_response_ms(double ms)
{
	if (isnan(ms))
		return (struct rating){"", TONE_PLAIN};
	if (ms < 2000)
		return (struct rating){"excellent", TONE_GOOD};
	if (ms <= 5000)
		return (struct rating){"good", TONE_FAIR};
	if (ms <= 10000)
		return (struct rating){"slow", TONE_POOR};
	return (struct rating){"very slow", TONE_BAD};
}

struct rating rate_ttft_ms(double ms)
{
	if (isnan(ms))
		return (struct rating){"", TONE_PLAIN};
	if (ms < 1000)
		return (struct rating){"excellent", TONE_GOOD};
	if (ms <= 3000)
		return (struct rating){"good", TONE_FAIR};
	return (struct rating){"noticeable", TONE_POOR};
}

struct rating rate_tps(double tps)
{
	if (isnan(tps))
		return (struct rating){"", TONE_PLAIN};
	if (tps > 50)
		return (struct rating){"excellent", TONE_GOOD};
	if (tps >= 20)
		return (struct rating){"good", TONE_FAIR};
	if (tps >= 10)
		return (struct rating){"acceptable", TONE_POOR};
	return (struct rating){"slow", TONE_BAD};
}

void print_rated(FILE *out, bool colour, int width, int digits, double value, struct rating rating)
{
	if (isnan(value))
		fprintf(out, "%*s", width, "-");
	else
		fprintf(out, "%s%*s%s", tone_start(rating.tone, colour), width,
		    format_fixed(value, digits).text, tone_end(rating.tone, colour));
}
