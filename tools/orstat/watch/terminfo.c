/*
 * terminfo.c: what the terminal of standard output can do, by its description.
 */
#include "terminfo.h"

#include <stdlib.h>
#include <unistd.h>

#include <curses.h>
/* After curses.h, whose names it needs. */
#include <term.h>

/* Where keep_byte() puts bytes: tputs() passes it no context. */
static struct terminfo *filled;

static int keep_byte(int c)
{
	if (filled->restore_length < sizeof(filled->restore))
		filled->restore[filled->restore_length++] = (char)c;
	return c;
}

/* A string that the terminal has, NULL where it has none. */
static const char *capability(const char *name)
{
	const char *value = tigetstr(name);

	return value == (const char *)-1 ? NULL : value;
}

/* The sequences that endwin() sends. */
static void prepare_restore(struct terminfo *out)
{
	static const char *const names[] = {"sgr0", "op", "rmkx", "rmcup", "cnorm"};

	filled = out;
	out->restore_length = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = capability(names[i]);

		if (value)
			tputs(value, 1, keep_byte);
	}
}

bool terminfo_read(struct terminfo *out)
{
	const char *name = getenv("TERM");
	int status;
	bool can;

	if (!isatty(STDOUT_FILENO) || !name || !*name ||
	    setupterm(NULL, STDOUT_FILENO, &status) != OK)
		return false;
	can = capability("cup") && capability("clear");
	if (can)
		prepare_restore(out);
	del_curterm(cur_term);
	return can;
}
