/*
 * period_scan.h: the index of periods, made of the data folder's files.
 *
 * For a start without a checkpoint that has it: after an upgrade, or where checkpoints are damaged.
 */
#ifndef ORBUS_AGENT_PERSIST_PERIOD_SCAN_H
#define ORBUS_AGENT_PERSIST_PERIOD_SCAN_H

#include "agent/aggregate/periods.h"

/*
 * Enters what the files of hours and days say that they cover, unless the checkpoint has told. One
 * that says nothing, or overlaps another, is passed over. 0, -ENOMEM, or the error of listing the
 * folder.
 */
int period_scan(int folder_fd, struct periods *p);

#endif
