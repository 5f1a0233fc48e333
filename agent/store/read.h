/*
 * read.h: reading a whole file at once, and what bears a name: for when there is nothing to hold
 * up.
 */
#ifndef ORBUS_AGENT_STORE_READ_H
#define ORBUS_AGENT_STORE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the whole of regular file `name`, at once, for when there is nothing to hold up: the bytes
 * are malloc'ed and NUL-terminated. Returns 0; -ENOENT; where store_is_foreign(), what bears the
 * name is no file of ours (a link, a folder, a FIFO, or larger than `most` bytes) and was not read;
 * everything else is an error of the system, which says nothing about the content.
 */
int store_read_file(int dirfd, const char *name, uint64_t most, char **bytes, size_t *length);
bool store_is_foreign(int error);
/* "is a folder": for messages. */
const char *store_foreign_text(int error);
/* What bears a name now: 0 and its size, an error as above. */
int store_look(int dirfd, const char *name, uint64_t *size);

#endif
