/*
 * test_options.c: a command line read by its program's table.
 */
#include "base/options.h"
#include "testing.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct settings {
	uint64_t every_ns;
	const char *bus;
	bool json;
	struct cli_list tags;
	int format;
};

static const struct cli_option table[] = {
    {.name = "every",
	.letter = 'e',
	.type = CLI_DURATION,
	.offset = offsetof(struct settings, every_ns),
	.argument = "SECONDS",
	.implied = "1",
	.low = 100000000,
	.high = 3600000000000,
	.help = "how often"},
    {.name = "json",
	.letter = 'j',
	.type = CLI_FLAG,
	.offset = offsetof(struct settings, json),
	.help = "as JSON"},
    CLI_OPTION_BUS(struct settings, bus),
    {.name = "tag",
	.type = CLI_LIST,
	.offset = offsetof(struct settings, tags),
	.argument = "K=V",
	.help = "a tag"},
    {.name = "format",
	.type = CLI_CHOICE,
	.offset = offsetof(struct settings, format),
	.argument = "F",
	.choices = "table|json|csv",
	.help = "how to show it"},
    CLI_OPTION_HELP,
};
#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))

static const struct cli_program without_operands = {
    .name = "test", .summary = "Tests.", .options = table, .option_count = TABLE_ROWS};
static const struct cli_program with_operands = {.name = "test",
    .operands = "FILE",
    .summary = "Tests.",
    .options = table,
    .option_count = TABLE_ROWS};

/* Parses up to four words; NULL ends them. */
static int parse(const struct cli_program *p, struct settings *s, const char *a, const char *b,
    const char *c, const char *d)
{
	static char words[5][32] = {"test"}; /* settings point there */
	char *argv[6] = {words[0]};
	const char *given[] = {a, b, c, d};
	int argc = 1;

	for (; argc < 5 && given[argc - 1]; argc++)
		argv[argc] = strcpy(words[argc], given[argc - 1]);
	*s = (struct settings){0};
	optind = 0; /* getopt_long() starts anew */
	return cli_parse(p, argc, argv, s);
}

static void an_argument_that_may_be_left_out(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(parse(&without_operands, &s, NULL, NULL, NULL, NULL), CLI_PROCEED);
	assert_int_equal(s.every_ns, 0);
	assert_int_equal(parse(&without_operands, &s, "--every", NULL, NULL, NULL), CLI_PROCEED);
	assert_int_equal(s.every_ns, 1000000000);
	assert_int_equal(parse(&without_operands, &s, "-e", NULL, NULL, NULL), CLI_PROCEED);
	assert_int_equal(s.every_ns, 1000000000);
	assert_int_equal(parse(&without_operands, &s, "-e", "-j", NULL, NULL), CLI_PROCEED);
	assert_int_equal(s.every_ns, 1000000000);
	assert_true(s.json);
}

static void it_may_be_written_in_any_way(void **state)
{
	static const char *const ways[][2] = {
	    {"--every=2", NULL}, {"--every", "2"}, {"-e2", NULL}, {"-e", "2"}, {"--ev", "2s"}};
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const char *after = ways[i][1] ? "-j" : NULL;

		assert_int_equal(parse(&without_operands, &s, ways[i][0],
				     ways[i][1] ? ways[i][1] : "-j", after, NULL),
		    CLI_PROCEED);
		assert_int_equal(s.every_ns, 2000000000);
		assert_true(s.json);
	}
}

static void a_wrong_one_is_refused(void **state)
{
	static const char *const wrong[] = {"0", "0.05", "3601", "soon", "-1", ""};
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
		    parse(&without_operands, &s, "-e", wrong[i], NULL, NULL), CLI_USAGE);
}

static void with_operands_the_next_word_is_one(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(parse(&with_operands, &s, "-e", "2", NULL, NULL), CLI_PROCEED);
	assert_int_equal(s.every_ns, 1000000000);
	assert_int_equal(optind, 2);
	assert_int_equal(parse(&with_operands, &s, "-e2", "2", NULL, NULL), CLI_PROCEED);
	assert_int_equal(s.every_ns, 2000000000);
}

static void help_shows_that_it_may_be_left_out(void **state)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	assert_non_null(out);
	cli_print_help(&without_operands, out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "-e, --every [SECONDS]  how often\n"));
	assert_non_null(strstr(text, "-b, --bus NAME"));
	free(text);
}

/* The usage error that the words give, as it is printed on standard error. */
static const char *refusal(const char *a, const char *b, const char *c, const char *d)
{
	static char text[2048];
	struct settings s;
	FILE *into = tmpfile();
	int before, status;
	size_t length;

	assert_non_null(into);
	before = dup(STDERR_FILENO);
	assert_true(before >= 0 && dup2(fileno(into), STDERR_FILENO) >= 0);
	status = parse(&without_operands, &s, a, b, c, d);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	close(before);
	rewind(into);
	length = fread(text, 1, sizeof(text) - 1, into);
	text[length] = '\0';
	fclose(into);
	assert_int_equal(status, CLI_USAGE);
	return text;
}

static void assert_says(const char *text, const char *wanted)
{
	if (!strstr(text, wanted))
		fail_msg("'%s' is not in '%s'", wanted, text);
}

static void a_second_value_is_refused(void **state)
{
	struct settings s;

	(void)state;
	assert_says(refusal("-b", "one", "--bus", "two"),
	    "test: --bus: given twice, 'one' and 'two': give it once");
	assert_says(refusal("--format=json", "--format=csv", NULL, NULL), "--format: given twice");
	assert_says(refusal("-e", "1s", "-e", "2s"), "--every: given twice, '1s' and '2s'");
	assert_says(refusal("-e", "-e2", NULL, NULL), "--every: given twice, '1' and '2'");
	assert_int_equal(parse(&without_operands, &s, "--tag", "a", "--tag", "b"), CLI_PROCEED);
	assert_int_equal(s.tags.count, 2);
	assert_int_equal(parse(&without_operands, &s, "-j", "--json", NULL, NULL), CLI_PROCEED);
	assert_int_equal(parse(&without_operands, &s, "-b", "one", "-b", "one"), CLI_PROCEED);
}

static void the_environment_is_no_second_value(void **state)
{
	struct settings s;

	(void)state;
	setenv("ORBUS", "other", 1);
	assert_int_equal(parse(&without_operands, &s, "-b", "one", NULL, NULL), CLI_PROCEED);
	unsetenv("ORBUS");
	assert_string_equal(s.bus, "one");
}

static void what_was_meant_is_named(void **state)
{
	(void)state;
	assert_says(refusal("--fromat", "csv", NULL, NULL),
	    "unknown option --fromat: did you mean --format?");
	assert_says(refusal("--tga=x", NULL, NULL, NULL), "did you mean --tag?");
	assert_says(refusal("--colour", NULL, NULL, NULL), "unknown option --colour\n");
	assert_says(refusal("-format", "csv", NULL, NULL),
	    "unknown option -format: did you mean --format?");
	assert_says(refusal("-x", NULL, NULL, NULL), "unknown option -x\n");
	assert_says(refusal("-xyz", NULL, NULL, NULL), "unknown option -x\n");
	assert_says(refusal("-jx", NULL, NULL, NULL), "unknown option -x\n");
	assert_says(refusal("--format", "jsno", NULL, NULL),
	    "--format: 'jsno' is not known: give one of table|json|csv (did you mean json?)");
	assert_says(refusal("--format", "yaml", NULL, NULL), "give one of table|json|csv\n");
	assert_says(refusal("--every", "5min", NULL, NULL),
	    "'5min' is not a time: give a time such as 90s, 5m or 1.5h (did you mean 5m?)");
	assert_says(refusal("--every", "1.5 hours", NULL, NULL), "(did you mean 1.5h?)");
	assert_says(refusal("--every", "5x", NULL, NULL), "or 1.5h\n");
	assert_says(refusal("--every", "min", NULL, NULL), "or 1.5h\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_argument_that_may_be_left_out),
	    cmocka_unit_test(it_may_be_written_in_any_way),
	    cmocka_unit_test(a_wrong_one_is_refused),
	    cmocka_unit_test(with_operands_the_next_word_is_one),
	    cmocka_unit_test(help_shows_that_it_may_be_left_out),
	    cmocka_unit_test(a_second_value_is_refused),
	    cmocka_unit_test(the_environment_is_no_second_value),
	    cmocka_unit_test(what_was_meant_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
