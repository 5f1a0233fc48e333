/*
 * ere.h: POSIX extended regular expressions that a user wrote, within bounds of memory and time.
 *
 * The C library's own are taken. What makes them slow or large without bound is refused: back
 * references, which take time that grows exponentially, and repetitions of repetitions, which are
 * written out when they are compiled. It is not for file-name patterns (fnmatch()).
 */
#ifndef ORBUS_BASE_ERE_H
#define ORBUS_BASE_ERE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#define ERE_BYTES_MAX 512
/* The upper bounds of all {m,n} in a pattern, multiplied. */
#define ERE_REPEATS_MAX 256

/* regcomp() within these bounds. 0, -EINVAL with `why` filled in, or -ENOMEM. */
int ere_compile(const char *pattern, int flags, regex_t *out, char *why, size_t why_bytes);

/* Of a text, what is looked at. */
#define ERE_TEXT_MAX 512

/* One that only says whether it matches, within the first ERE_TEXT_MAX bytes. */
struct ere;

int ere_new(const char *pattern, struct ere **out, char *why, size_t why_bytes);
bool ere_matches(struct ere *e, const char *text);
void ere_free(struct ere *e);

#endif
