/*
 * highlight.h: text that matches --highlight, in reverse video.
 */
#ifndef ORBUS_ORTAIL_HIGHLIGHT_H
#define ORBUS_ORTAIL_HIGHLIGHT_H

#include "base/options.h"

#include <stdbool.h>

struct highlight;

/*
 * Extended regular expressions; capital letters matter in one that has any. Returns CLI_PROCEED, or
 * the status to exit with, after a message.
 */
int highlight_make(
    struct highlight **out, const struct cli_program *program, const struct cli_list *patterns);
void highlight_free(struct highlight *h);

/* A copy of printed lines, colours and all, with what matches emphasised; NULL: out of memory. */
char *highlight_text(struct highlight *h, const char *text);

#endif
