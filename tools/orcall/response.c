/*
 * response.c: the answer on standard output, as it comes.
 *
 * A model's words must not steer the terminal that they are shown on; through a pipe they go as
 * they are.
 */
#include "response.h"
#include "base/utf8.h"
#include "common/print.h"

#include <string.h>
#include <unistd.h>

void orcall_response_init(struct orcall_response *a)
{
	*a = (struct orcall_response){.terminal = isatty(STDOUT_FILENO)};
}

/* Spells out all that is unsafe but line feeds and tabs. */
static void print_safely(const char *text, size_t length)
{
	char part[512];

	while (length > 0) {
		size_t n = 0;

		while (n < length && text[n] != '\n' && text[n] != '\t')
			n++;
		n = utf8_cut(text, n, sizeof(part) - 1);
		memcpy(part, text, n);
		part[n] = '\0';
		print_text(stdout, part);
		text += n;
		length -= n;
		if (length > 0 && (*text == '\n' || *text == '\t')) {
			putchar(*text++);
			length--;
		}
	}
}

void orcall_response_print(struct orcall_response *a, const char *piece, size_t length)
{
	if (a->broken || length == 0)
		return;
	if (a->terminal)
		print_safely(piece, length);
	else
		fwrite(piece, 1, length, stdout);
	a->begun = true;
	a->line_open = piece[length - 1] != '\n';
	a->broken = fflush(stdout) != 0;
}

void orcall_response_end(struct orcall_response *a)
{
	if (a->line_open)
		orcall_response_print(a, "\n", 1);
}
