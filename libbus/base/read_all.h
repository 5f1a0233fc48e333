/*
 * read_all.h: reading an open file whole. It opens nothing and judges nothing: who may be trusted
 * and how much memory a file may take is its callers' business.
 */
#ifndef ORBUS_BASE_READ_ALL_H
#define ORBUS_BASE_READ_ALL_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads `size` bytes, or up to the end of the file: the number read, or a negative errno. A file
 * that is replaced meanwhile (rename) is still the old one, whole.
 */
ssize_t read_all(int fd, char *to, size_t size);

#endif
