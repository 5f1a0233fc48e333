/*
 * folders.h: the data folders that a report is of: one, or those of several agents, as of several
 * hosts, whose requests are added up.
 */
#ifndef ORBUS_ORREPORT_FOLDERS_H
#define ORBUS_ORREPORT_FOLDERS_H

#include "base/options.h"
#include "merge.h"

struct report_folders {
	char *paths[CLI_LIST_MAX];
	struct report_folder items[CLI_LIST_MAX];
	size_t count;
	char *shown; /* all of them, for messages: "a, b" */
};

/*
 * Finds the files of the folders that were given, or, where none was, of the one that the board of
 * `bus` names. A folder that is given twice, by whatever path, counts once. 0 or a negative errno,
 * for which *failed is the path of the folder, or NULL. Close it in any case.
 */
int folders_open(
    const struct cli_list *given, const char *bus, struct report_folders *out, const char **failed);
void folders_close(struct report_folders *f);

/* As report_read(), of all folders: `q` without its folder. With several, notes name theirs. */
int folders_read(
    const struct report_folders *f, const struct report_request *q, struct report *out);

/* The first and the last date of which there are files, as names have them. False: none. */
bool folders_extent(const struct report_folders *f, const char **first, const char **last);

#endif
