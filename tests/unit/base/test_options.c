/*
 * test_options.c: a command line read by its program's table.
 */
#include "base/options.h"
#include "testing.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct settings {
	uint64_t every_ns;
	const char *bus;
	bool json;
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
    CLI_OPTION_HELP,
};

static const struct cli_program without_operands = {
    .name = "test", .summary = "Tests.", .options = table, .option_count = 4};
static const struct cli_program with_operands = {
    .name = "test", .operands = "FILE", .summary = "Tests.", .options = table, .option_count = 4};

/* Parses up to four words; NULL ends them. */
static int parse(const struct cli_program *p, struct settings *s, const char *a, const char *b,
    const char *c, const char *d)
{
	char words[5][32] = {"test"};
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_argument_that_may_be_left_out),
	    cmocka_unit_test(it_may_be_written_in_any_way),
	    cmocka_unit_test(a_wrong_one_is_refused),
	    cmocka_unit_test(with_operands_the_next_word_is_one),
	    cmocka_unit_test(help_shows_that_it_may_be_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
