/*
 * lines.h: the lines of one of the journal's files, plain or compressed, one after another.
 *
 * Its input is untrusted: lines of any length, bytes of any kind, streams that are cut short or
 * damaged. It does not parse lines.
 */
#ifndef ORBUS_JOURNAL_LINES_H
#define ORBUS_JOURNAL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer line is damaged: a sample has at most 64 KiB, each byte of which JSON spells in six. */
#define JOURNAL_LINE_MAX ((size_t)1 << 20)

struct journal_lines;

/*
 * Opens regular file `name`, never through a link, which is compressed where its name ends in
 * ".zst". Of its bytes, before compression, those from `from` up to `limit` are read.
 * Returns 0, -ENOENT, -ELOOP (no regular file), -ENOMEM, or what else the system says.
 */
int journal_lines_open(
    int dirfd, const char *name, uint64_t from, uint64_t limit, struct journal_lines **out);

/*
 * The next line, NUL-terminated in the place of its newline; it lives until the next call. 1, or 0
 * at the end, or a negative errno. A last line without its newline is still being written, and is
 * not returned.
 */
int journal_lines_next(struct journal_lines *l, char **line, size_t *length);

/* Lines passed over since they are too long, and 1 more where the compressed stream is damaged. */
uint64_t journal_lines_damaged(const struct journal_lines *l);

/* NULL is allowed. */
void journal_lines_close(struct journal_lines *l);

#endif
