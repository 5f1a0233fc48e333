/*
 * checkpoint_file.h: how the checkpoint lies in its file.
 *
 * A head with a checksum of all that follows, then sections, each one msgpack document, compressed
 * (zstd). The first one is about the bus (checkpoint_bus.h): other programs than the agent read no
 * more. What comes after it is the agent's (agent/persist/checkpoint_rest.c and
 * checkpoint_section.c). Version 1 was one document, not compressed; it is still read.
 */
#ifndef ORBUS_DOC_CHECKPOINT_FILE_H
#define ORBUS_DOC_CHECKPOINT_FILE_H

#include "base/buffer.h"
#include "checkpoint_bus.h"

#define CHECKPOINT_NAME          "state"
#define CHECKPOINT_PREVIOUS_NAME "state.previous"

/* Both hold for the writer too, so that it never makes what the reader refuses. */
#define CHECKPOINT_FILE_BYTES_MAX    ((size_t)256 << 20)
#define CHECKPOINT_SECTION_BYTES_MAX ((size_t)64 << 20) /* before it is compressed */

/* Compresses sections, one after another. */
struct checkpoint_compressor;
struct checkpoint_compressor *checkpoint_compressor_new(void);
void checkpoint_compressor_free(struct checkpoint_compressor *p);

/* A section of a document, malloc'ed: 0, -EFBIG, -ENOMEM. */
int checkpoint_compress(struct checkpoint_compressor *p, const char *document, size_t length,
    char **section, size_t *size);

/* How long the document of a section is, that checkpoint_compress() has made. */
size_t checkpoint_uncompressed_length(const char *section);

/* The document of a section (untrusted), malloc'ed: 0, -EBADMSG, -ENOMEM. */
int checkpoint_decompress(const char *section, size_t size, char **document, size_t *length);

/* A file of sections: begin, add each, finish. `file` is all zero at first; 0, -EFBIG, -ENOMEM. */
int checkpoint_begin(struct buffer *file);
int checkpoint_add(struct buffer *file, const char *section, size_t size);
/* `has_marks`: there is a marked label (base/calendar.h) in it, which agents before 1.1 do not
 * know. */
void checkpoint_finish(struct buffer *file, bool has_marks);

/* A file's bytes that are read: where the next section is. */
struct checkpoint_reader {
	unsigned version;
	const char *at, *end;
};

/* Untrusted: 0, -EBADMSG where they are damaged, -EPROTONOSUPPORT a newer version. */
int checkpoint_open(struct checkpoint_reader *r, const void *bytes, size_t length);

/* The next section, within the bytes: 1, 0 at the end, -EBADMSG. Of version 2. */
int checkpoint_next(struct checkpoint_reader *r, const char **section, size_t *size);

/* The next section's document, malloc'ed. Of version 2. 0, -EBADMSG, -ENOMEM. */
int checkpoint_next_document(struct checkpoint_reader *r, char **document, size_t *length);

/*
 * What it says of the bus: of version 2, by its next section, which must be the first one; of
 * version 1, by the document, which stays to be read. 0, -EBADMSG, -ENOMEM. Free *bus in any case.
 */
int checkpoint_read_bus(struct checkpoint_reader *r, struct checkpoint_bus *bus);

#endif
