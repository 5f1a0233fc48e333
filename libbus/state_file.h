/*
 * state_file.h: what the checkpoint says of the bus and the journal, and how it lies in its file.
 *
 * The agent writes it; ortail reads it, to know what the journal holds for good and from where on
 * the ring continues it. The figures are state.c's (agent).
 */
#ifndef ORBUS_STATE_FILE_H
#define ORBUS_STATE_FILE_H

#include "journal_name.h"
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
	uint64_t *counts; /* the ids of the counts that they are of (layout.h); NULL: not known */
	struct state_journal journal;
};

/*
 * This boot of the machine. 0 and "" where the system does not tell it (no /proc); a negative errno
 * where it could not be read: it is then not known whether a checkpoint is of this boot.
 */
int state_boot_id(char out[40]);

void state_bus_free(struct state_bus *bus);

/* Writes it into the checkpoint's document, which is open. */
void state_bus_write(const struct state_bus *bus, struct writer *w);

/* Untrusted: 0, -EBADMSG, -ENOMEM. Free *bus in any case. */
int state_bus_from_json(const json_t *document, struct state_bus *bus);

/* A document is written between the two, and is the file's bytes then: malloc'ed; NULL. */
void state_begin(struct msgpack_writer *m);
char *state_end(struct msgpack_writer *m, size_t *length);

/* The document of a file's bytes (untrusted), a new reference: 0, -ENOMEM, -EBADMSG where they are
 * damaged, -EPROTONOSUPPORT a newer version. */
int state_unwrap(const void *bytes, size_t length, json_t **document);

#endif
