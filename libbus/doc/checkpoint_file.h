/*
 * checkpoint_file.h: what the checkpoint says of the bus and the journal, and how it lies in its
 * file.
 *
 * The agent writes it; ortail reads it, to know what the journal holds for good and from where on
 * the ring continues it. What was counted is agent/persist/checkpoint.c's (agent).
 */
#ifndef ORBUS_DOC_CHECKPOINT_FILE_H
#define ORBUS_DOC_CHECKPOINT_FILE_H

#include "base/buffer.h"
#include "base/journal_name.h"
#include "writer.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKPOINT_NAME          "state"
#define CHECKPOINT_PREVIOUS_NAME "state.previous"

/* More than these at once are not kept open. */
#define CHECKPOINT_JOURNAL_FILES_MAX 4096

/* A file of the journal that is not compressed yet. */
struct checkpoint_journal_file {
	struct journal_name name;
	uint64_t start_ns, end_ns; /* of its hour */
	uint64_t length;           /* the bytes of it that count; what lies beyond does not */
};

/*
 * The journal. Of lane i it has the records from[i] <= record < upto[i], and files which are not
 * named here are either compressed, and then whole, or younger than the checkpoint.
 */
struct checkpoint_journal {
	bool known;                            /* there has been an agent with --journal */
	bool on;                               /* that is still so: upto is the positions */
	uint64_t *from;                        /* by lane; malloc'ed, NULL where not known */
	uint64_t *upto;                        /* by lane; malloc'ed, NULL while on */
	struct checkpoint_journal_file *files; /* malloc'ed */
	size_t file_count;
};

/* What a checkpoint says about the bus. */
struct checkpoint_bus {
	uint8_t bus_id[16];
	char boot_id[40];
	uint32_t lane_count;
	uint64_t *positions; /* by lane; malloc'ed */
	uint64_t
	    *counts; /* the ids of the counts that they are of (ring/layout.h); NULL: not known */
	struct checkpoint_journal journal;
};

/*
 * This boot of the machine. 0 and "" where the system does not tell it (no /proc); a negative errno
 * where it could not be read: it is then not known whether a checkpoint is of this boot.
 */
int checkpoint_boot_id(char out[40]);

void checkpoint_bus_free(struct checkpoint_bus *bus);

/* Writes it into a document, which is open. */
void checkpoint_bus_write(const struct checkpoint_bus *bus, struct writer *w);

/* Untrusted: 0, -EBADMSG, -ENOMEM. Free *bus in any case. */
int checkpoint_bus_from_json(const json_t *document, struct checkpoint_bus *bus);

/*
 * --- The file ------------------------------------------------------------------------------------
 *
 * A head with a checksum of all that follows, then sections, each one msgpack document, compressed
 * (zstd). The first one is about the bus: who wants no more need not decompress the rest. What
 * comes after it is agent/persist/checkpoint.c's (agent). Version 1 was one document, not
 * compressed; it is still read.
 *
 * Both limits hold for the writer too, so that it never makes what the reader refuses.
 */
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

/* The next section's document as msgpack, malloc'ed. Of version 2. 0, -EBADMSG, -ENOMEM. */
int checkpoint_next_document(struct checkpoint_reader *r, char **document, size_t *length);

/* The same as JSON, a new reference; of version 1, the one that there is: 0, -EBADMSG, -ENOMEM. */
int checkpoint_next_json(struct checkpoint_reader *r, json_t **document);

#endif
