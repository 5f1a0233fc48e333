/*
 * term.c: standard files and colour of a program that people run.
 */
#include "term.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const tone_codes[] = {
    [TONE_PLAIN] = "",
    [TONE_GOOD] = "\033[32m",
    [TONE_FAIR] = "\033[36m",
    [TONE_POOR] = "\033[33m",
    [TONE_BAD] = "\033[31m",
    [TONE_FAINT] = "\033[2m",
    [TONE_STRONG] = "\033[1m",
};

/*
 * Fills the places of closed standard files. Otherwise a file that is opened later could take one,
 * and receive what the program prints.
 */
static void hold_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0) /* for the wrong direction: using it is an error */
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void output_init(void)
{
	hold_standard_files();
	/* Characters only: numbers stay those of the C locale. */
	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
}

bool output_wants_colour(FILE *out)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no_colour && *no_colour)
		return false;
	return isatty(fileno(out)) && term && *term && strcmp(term, "dumb") != 0;
}

const char *tone_start(enum tone tone, bool colour)
{
	return colour ? tone_codes[tone] : "";
}

const char *tone_end(enum tone tone, bool colour)
{
	return colour && tone != TONE_PLAIN ? "\033[0m" : "";
}

bool output_is_gone(void)
{
	struct pollfd reader = {.fd = STDOUT_FILENO};

	return poll(&reader, 1, 0) > 0 && reader.revents & (POLLHUP | POLLERR);
}

int output_flush(const char *tool, bool *gone)
{
	int err = fflush(stdout) != 0 ? -errno : ferror(stdout) ? -EIO : 0;
	bool is_gone = err == -EPIPE || (err == -EIO && output_is_gone());

	if (gone)
		*gone = is_gone;
	if (err == 0 || is_gone)
		return 0;
	fprintf(stderr, "%s: cannot write to standard output: %s\n", tool, strerror(-err));
	return err;
}
