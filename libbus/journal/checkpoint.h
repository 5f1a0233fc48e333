/*
 * checkpoint.h: the agent's checkpoint, read by other programs: how far the journal's files
 * are good, and which records of the ring they hold.
 */
#ifndef ORBUS_JOURNAL_CHECKPOINT_H
#define ORBUS_JOURNAL_CHECKPOINT_H

#include "doc/checkpoint_bus.h"

/*
 * Reads the last checkpoint in the folder, or the one before where there is none just now or it is
 * damaged. *stamp tells checkpoints apart. Returns 0; -ENOENT there is none, or none that can be
 * understood; -ENOMEM; what else the system says. Free *out, by checkpoint_bus_free(), after 0.
 */
int journal_checkpoint_read(int dirfd, struct checkpoint_bus *out, uint64_t *stamp);

#endif
