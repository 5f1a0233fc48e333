/*
 * response.h: the answer on standard output, as it comes.
 */
#ifndef ORBUS_ORCALL_RESPONSE_H
#define ORBUS_ORCALL_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

struct orcall_response {
	bool terminal;  /* then control characters are escaped */
	bool begun;     /* something was printed */
	bool line_open; /* what was printed does not end with a line feed */
	bool broken;    /* standard output takes no more */
};

void orcall_response_init(struct orcall_response *a);

/* Prints a piece of whole UTF-8 characters at once. */
void orcall_response_print(struct orcall_response *a, const char *piece, size_t length);

/* Ends the last line. */
void orcall_response_end(struct orcall_response *a);

#endif
