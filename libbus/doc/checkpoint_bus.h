/*
 * checkpoint_bus.h: what the checkpoint says of the bus and the journal.
 *
 * The agent writes it; ortail reads it, to know what the journal holds for good and from where on
 * the ring continues it. How it lies in the checkpoint's file is checkpoint_file.h's.
 */
#ifndef ORBUS_DOC_CHECKPOINT_BUS_H
#define ORBUS_DOC_CHECKPOINT_BUS_H

#include "base/journal_name.h"
#include "doc_source.h"
#include "writer.h"

#include <stddef.h>
#include <stdint.h>

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

/*
 * Reads it from a document, which may say more. Untrusted: 0, -EBADMSG, -ENOMEM. Free *bus in any
 * case.
 */
int checkpoint_bus_read(struct doc_source *s, struct checkpoint_bus *bus);

#endif
