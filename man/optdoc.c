/*
 * optdoc.c: prints what documentation needs to know of a program's options, from its table. It runs
 * while orbus is built and is not installed.
 *
 *   optdoc scdoc|keys|bash|zsh|fish PROGRAM
 */
#include "base/programs.h"
#include "orstat/watch/keys.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_program *const programs[] = {&oragent_program, &orcall_program,
    &orpub_program, &orreport_program, &orstat_program, &ortail_program};

/* Text with the characters that scdoc gives a meaning escaped. */
static void print_escaped(const char *text)
{
	for (; *text; text++) {
		if (strchr("_*\\[]|#", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void scdoc_option(const struct cli_option *o)
{
	const char *argument = cli_argument(o);

	if (o->letter)
		printf("*-%c*, ", o->letter);
	printf("*--%s*", o->name);
	if (argument) {
		fputs(o->implied ? " [_" : " _", stdout);
		print_escaped(argument);
		fputs(o->implied ? "_]" : "_", stdout);
	}
	putchar('\n');
	printf("\t%s", o->details ? o->details : "");
	if (!o->details) {
		print_escaped(o->help);
		putchar('.');
	}
	if (o->choices) {
		fputs(" One of ", stdout);
		print_escaped(o->choices);
		putchar('.');
	}
	if (o->environment)
		printf(" Without it, *$%s* counts.", o->environment);
	if (o->preset || o->preset_words) {
		fputs(" Default: ", stdout);
		print_escaped(o->preset_words ? o->preset_words : o->preset);
		putchar('.');
	}
	fputs("\n\n", stdout);
}

static void scdoc(const struct cli_program *p)
{
	for (size_t i = 0; i < p->option_count; i++) {
		const struct cli_option *o = &p->options[i];

		if (o->type == CLI_SECTION)
			printf("## %s\n\n", o->help);
		else
			scdoc_option(o);
	}
}

/* The keys of a program that is driven by keys: orstat's live screen. */
static void keys(const struct cli_program *p)
{
	for (size_t i = 0; p == &orstat_program && i < watch_key_row_count; i++) {
		const struct watch_key_use *use = watch_key_rows[i].keys;

		for (const char *separator = ""; use->key; use++, separator = ", ") {
			char name[WATCH_KEY_NAME_BYTES];

			watch_key_name(use->key, name);
			printf("%s*", separator);
			print_escaped(name);
			putchar('*');
		}
		printf("\n\t%s\n\n", watch_key_rows[i].details);
	}
}

/* A choice's words with blanks between. */
static void print_words(const char *choices)
{
	for (; *choices; choices++)
		putchar(*choices == '|' ? ' ' : *choices);
}

#define BUSES "$(cd /dev/shm 2>/dev/null && ls *.lanes 2>/dev/null | sed 's/\\.lanes$//')"

static void bash_case(const struct cli_option *o)
{
	/* If an option needs no argument, the next word may be the next option. */
	if (!cli_argument(o) || o->implied)
		return;
	printf("\t--%s", o->name);
	if (o->letter)
		printf("|-%c", o->letter);
	fputs(") ", stdout);
	if (o->choices) {
		fputs("COMPREPLY=($(compgen -W '", stdout);
		print_words(o->choices);
		puts("' -- \"$cur\")); return ;;");
	} else if (o->offer == CLI_OFFER_BUSES) {
		puts("COMPREPLY=($(compgen -W \"" BUSES "\" -- \"$cur\")); return ;;");
	} else if (o->offer == CLI_OFFER_FILES) {
		puts("COMPREPLY=($(compgen -f -- \"$cur\")); return ;;");
	} else if (o->offer == CLI_OFFER_FOLDERS) {
		puts("COMPREPLY=($(compgen -d -- \"$cur\")); return ;;");
	} else if (o->offer == CLI_OFFER_GROUPS) {
		puts("COMPREPLY=($(compgen -g -- \"$cur\")); return ;;");
	} else {
		puts("return ;;");
	}
}

static void bash(const struct cli_program *p)
{
	printf("# bash completion for %s\n_%s()\n{\n", p->name, p->name);
	puts("\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}");
	puts("\tCOMPREPLY=()\n\tcase $prev in");
	for (size_t i = 0; i < p->option_count; i++)
		bash_case(&p->options[i]);
	fputs("\tesac\n\tCOMPREPLY=($(compgen -W '", stdout);
	for (size_t i = 0; i < p->option_count; i++)
		if (p->options[i].type != CLI_SECTION)
			printf("--%s ", p->options[i].name);
	printf("' -- \"$cur\"))\n}\ncomplete -F _%s %s\n", p->name, p->name);
}

/* Help text inside single quotes and zsh's brackets. */
static void print_quoted(const char *text, const char *escaped)
{
	for (; *text; text++) {
		if (*text == '\'') {
			fputs("'\\''", stdout);
			continue;
		}
		if (strchr(escaped, *text))
			putchar('\\');
		putchar(*text);
	}
}

static void zsh(const struct cli_program *p)
{
	printf("#compdef %s\n_arguments -s", p->name);
	for (size_t i = 0; i < p->option_count; i++) {
		const struct cli_option *o = &p->options[i];
		const char *argument = cli_argument(o);

		if (o->type == CLI_SECTION)
			continue;
		printf(" \\\n\t'%s--%s%s[", o->type == CLI_LIST ? "*" : "", o->name,
		    !argument    ? ""
		    : o->implied ? "=-"
				 : "=");
		print_quoted(o->help, "[]\\");
		putchar(']');
		if (o->choices) {
			fputs(":value:(", stdout);
			print_words(o->choices);
			putchar(')');
		} else if (argument && o->implied) {
			fputs("::value: ", stdout);
		} else if (argument) {
			fputs(o->offer == CLI_OFFER_FILES     ? ":file:_files"
			      : o->offer == CLI_OFFER_FOLDERS ? ":folder:_files -/"
			      : o->offer == CLI_OFFER_GROUPS  ? ":group:_groups"
							      : ":value: ",
			    stdout);
		}
		putchar('\'');
	}
	putchar('\n');
}

static bool takes_path(const struct cli_option *o)
{
	return o->offer == CLI_OFFER_FILES || o->offer == CLI_OFFER_FOLDERS;
}

static void fish(const struct cli_program *p)
{
	for (size_t i = 0; i < p->option_count; i++) {
		const struct cli_option *o = &p->options[i];

		if (o->type == CLI_SECTION)
			continue;
		printf("complete -c %s -l %s", p->name, o->name);
		if (o->letter)
			printf(" -s %c", o->letter);
		if (cli_argument(o) && !o->implied)
			fputs(takes_path(o) ? " -r" : " -x", stdout);
		if (o->choices) {
			fputs(" -a '", stdout);
			print_words(o->choices);
			putchar('\'');
		}
		fputs(" -d '", stdout);
		for (const char *s = o->help; *s; s++)
			printf(*s == '\'' ? "\\'" : "%c", *s);
		puts("'");
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(const struct cli_program *p);
	} forms[] = {
	    {"scdoc", scdoc}, {"keys", keys}, {"bash", bash}, {"zsh", zsh}, {"fish", fish}};

	for (size_t f = 0; argc == 3 && f < sizeof(forms) / sizeof(forms[0]); f++) {
		for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
			if (strcmp(forms[f].name, argv[1]) == 0 &&
			    strcmp(programs[i]->name, argv[2]) == 0) {
				forms[f].print(programs[i]);
				return 0;
			}
		}
	}
	fputs("usage: optdoc scdoc|keys|bash|zsh|fish PROGRAM\n", stderr);
	return 2;
}
