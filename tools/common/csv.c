/*
 * csv.c: fields of CSV as RFC 4180 has it.
 */
#include "csv.h"
#include "print.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * A spreadsheet takes a field that starts like this for a formula, and a formula may run programs
 * and fetch addresses. Names of models and messages come from servers. A number is no formula. See
 * OWASP, "CSV Injection".
 */
static bool is_formula(const char *text)
{
	char *end;

	if (!*text || !strchr("=+-@\t\r", *text))
		return false;
	(void)strtod(text, &end);
	return *end || end == text;
}

void csv_text(FILE *out, const char *text)
{
	char safe[4096];
	bool defuse;

	if (!text)
		return;
	defuse = is_formula(text);
	text_sanitise(safe, sizeof(safe), text);
	if (!strpbrk(safe, ",\"")) {
		fputs(defuse ? "'" : "", out);
		fputs(safe, out);
		return;
	}
	fputs(defuse ? "\"'" : "\"", out);
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
