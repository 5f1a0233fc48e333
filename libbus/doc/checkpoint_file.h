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

#define STATE_NAME          "state"
#define STATE_PREVIOUS_NAME "state.previous"

/* More than these at once are not kept open. */
#define STATE_JOURNAL_FILES_MAX 4096

/* A file of the journal that is not compressed yet. */
struct state_journal_file {
	struct journal_name name;
	uint64_t start_ns, end_ns; /* of its hour */
	uint64_t length;           /* the bytes of it that count; what lies beyond does not */
};

/*
 * The journal. Of lane i it has the records from[i] <= record < upto[i], and files which are not
 * named here are either compressed, and then whole, or younger than the checkpoint.
 */
struct state_journal {
	bool known;                       /* there has been an agent with --journal */
	bool on;                          /* that is still so: upto is the positions */
	uint64_t *from;                   /* by lane; malloc'ed, NULL where not known */
	uint64_t *upto;                   /* by lane; malloc'ed, NULL while on */
	struct state_journal_file *files; /* malloc'ed */
	size_t file_count;
};

/* What a checkpoint says about the bus. */
struct state_bus {
	uint8_t bus_id[16];
	char boot_id[40];
	uint32_t lane_count;
	uint64_t *positions; /* by lane; malloc'ed */
	uint64_t
	    *counts; /* the ids of the counts that they are of (ring/layout.h); NULL: not known */
	struct state_journal journal;
};

/*
 * This boot of the machine. 0 and "" where the system does not tell it (no /proc); a negative errno
 * where it could not be read: it is then not known whether a checkpoint is of this boot.
 */
int state_boot_id(char out[40]);

void state_bus_free(struct state_bus *bus);

/* Writes it into a document, which is open. */
void state_bus_write(const struct state_bus *bus, struct writer *w);

/* Untrusted: 0, -EBADMSG, -ENOMEM. Free *bus in any case. */
int state_bus_from_json(const json_t *document, struct state_bus *bus);

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
#define STATE_FILE_BYTES_MAX    ((size_t)256 << 20)
#define STATE_SECTION_BYTES_MAX ((size_t)64 << 20) /* before it is compressed */

/* Compresses sections, one after another. */
struct state_packer;
struct state_packer *state_packer_new(void);
void state_packer_free(struct state_packer *p);

/* A section of a document, malloc'ed: 0, -EFBIG, -ENOMEM. */
int state_pack(
    struct state_packer *p, const char *document, size_t length, char **section, size_t *size);

/* How long the document of a section is, that state_pack() has made. */
size_t state_unpacked_length(const char *section);

/* The document of a section (untrusted), malloc'ed: 0, -EBADMSG, -ENOMEM. */
int state_unpack(const char *section, size_t size, char **document, size_t *length);

/* A file of sections: begin, add each, finish. `file` is all zero at first; 0, -EFBIG, -ENOMEM. */
int state_begin(struct buffer *file);
int state_add(struct buffer *file, const char *section, size_t size);
/* `has_marks`: there is a marked label (base/calendar.h) in it, which agents before 1.1 do not
 * know. */
void state_finish(struct buffer *file, bool has_marks);

/* A file's bytes that are read: where the next section is. */
struct state_reader {
	unsigned version;
	const char *at, *end;
};

/* Untrusted: 0, -EBADMSG where they are damaged, -EPROTONOSUPPORT a newer version. */
int state_open(struct state_reader *r, const void *bytes, size_t length);

/* The next section, within the bytes: 1, 0 at the end, -EBADMSG. Of version 2. */
int state_next(struct state_reader *r, const char **section, size_t *size);

/* The next section's document as JSON, a new reference; of version 1, the one that there is: 0,
 * -EBADMSG, -ENOMEM. */
int state_next_json(struct state_reader *r, json_t **document);

#endif
