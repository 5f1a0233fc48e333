/*
 * csv.c: fields of CSV as RFC 4180 has it.
 */
#include "csv.h"
#include "output.h"

#include <math.h>
#include <string.h>

void csv_text(FILE *out, const char *text)
{
	char safe[4096];

	if (!text)
		return;
	text_sanitise(safe, sizeof(safe), text);
	if (!strpbrk(safe, ",\"")) {
		fputs(safe, out);
		return;
	}
	fputc('"', out);
	for (const char *c = safe; *c; c++) {
		if (*c == '"')
			fputc('"', out);
		fputc(*c, out);
	}
	fputc('"', out);
}

void csv_figure(FILE *out, double value)
{
	fputc(',', out);
	if (isfinite(value))
		fprintf(out, "%.15g", value);
}
