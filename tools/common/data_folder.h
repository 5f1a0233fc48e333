/*
 * data_folder.h: where the agent's files are, for tools that read them.
 */
#ifndef ORBUS_COMMON_DATA_FOLDER_H
#define ORBUS_COMMON_DATA_FOLDER_H

#include <stddef.h>

/*
 * What --data-dir or $ORBUS_DATA_DIR gave, made absolute; for NULL the folder that the board of
 * `bus` (NULL: the default) names, where it is on this machine, and else the default
 * (base/data_dir.h). malloc'ed; NULL: out of memory.
 */
char *data_folder_choose(const char *given, const char *bus);

/*
 * What helps where the folder, which was chosen for `bus`, or a file in it, could not be read with
 * `error`, a negative errno: who may read it, or how to name another folder. Sanitised.
 */
void data_folder_remedy(const char *folder, const char *bus, int error, char *out, size_t bytes);

#endif
