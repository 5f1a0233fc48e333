/*
 * print.c: findings for people, in 80 columns, and as JSON.
 */
#include "common/print.h"
#include "advice.h"
#include "doc/json_build.h"

#include <stdlib.h>
#include <string.h>

#define INDENT 10
/* Findings of one rule that are printed in full. */
#define SHOWN_OF_A_RULE 3

const char *advice_severity_name(enum advice_severity severity)
{
	static const char *const names[] = {"info", "warning", "critical"};

	return names[severity];
}

static void print_safely_wrapped(FILE *out, const char *text, int indent)
{
	size_t bytes = 4 * strlen(text) + 1;
	char *safe = malloc(bytes);

	if (!safe) {
		fputc('\n', out);
		return;
	}
	text_sanitise(safe, bytes, text);
	print_wrapped(out, safe, indent);
	free(safe);
}

static void print_finding(FILE *out, const struct advice_finding *f, bool colour)
{
	static const enum tone tones[] = {TONE_FAIR, TONE_POOR, TONE_BAD};
	static const char *const words[] = {"INFO", "WARNING", "CRITICAL"};
	char *head;
	int n = asprintf(
	    &head, "%s%s%s", f->title, f->subject ? ": " : "", f->subject ? f->subject : "");

	if (n < 0)
		return;
	fprintf(out, "%s%-*s%s%s", tone_start(tones[f->severity], colour), INDENT,
	    words[f->severity], tone_end(tones[f->severity], colour),
	    tone_start(TONE_STRONG, colour));
	print_safely_wrapped(out, head, INDENT);
	fprintf(out, "%s%*s", tone_end(TONE_STRONG, colour), INDENT, "");
	print_safely_wrapped(out, f->evidence, INDENT);
	fprintf(out, "%*s", INDENT, "     ->   ");
	print_safely_wrapped(out, f->remedy, INDENT);
	free(head);
}

void advice_print(FILE *out, const struct advice *a, bool colour)
{
	size_t left_out = 0;

	if (a->silence) {
		fputs("Nothing to advise: ", out);
		print_safely_wrapped(out, a->silence, (int)strlen("Nothing to advise: "));
	}
	for (size_t i = 0; i < a->count; i++) {
		size_t earlier = 0;

		for (size_t j = 0; j < i; j++)
			earlier += strcmp(a->findings[j].rule, a->findings[i].rule) == 0;
		if (earlier >= SHOWN_OF_A_RULE) {
			left_out++;
			continue;
		}
		fputs(i ? "\n" : "", out);
		print_finding(out, &a->findings[i], colour);
	}
	if (left_out)
		fprintf(out, "\nand %zu more of these kinds; --json shows them all\n", left_out);
}

static json_t *finding_to_json(const struct advice_finding *f)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "rule", json_string_nocheck(f->rule));
	json_build_set(&o, "severity", json_string_nocheck(advice_severity_name(f->severity)));
	json_build_set(&o, "subject", f->subject ? json_string(f->subject) : json_null());
	json_build_set(&o, "evidence", json_string(f->evidence));
	json_build_set(&o, "remedy", json_string(f->remedy));
	return json_build_take(&o);
}

json_t *advice_to_json(const struct advice *a)
{
	struct json_build o = json_build_object(), list = json_build_array();

	for (size_t i = 0; i < a->count; i++)
		json_build_append(&list, finding_to_json(&a->findings[i]));
	json_build_set(&o, "requests", json_count(a->requests));
	json_build_set(&o, "findings", json_build_take(&list));
	json_build_set(&o, "silence", a->silence ? json_string(a->silence) : json_null());
	return json_build_take(&o);
}
