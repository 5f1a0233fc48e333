/*
 * data_dir.h: the folder of the agent's files, for those who write them and those who read them.
 */
#ifndef ORBUS_BASE_DATA_DIR_H
#define ORBUS_BASE_DATA_DIR_H

/*
 * What --data-dir or $ORBUS_DATA_DIR gave, made absolute; for NULL /var/lib/orbus/metrics for root
 * and ~/.local/state/orbus/metrics for others. malloc'ed; NULL: out of memory.
 */
char *data_dir_choose(const char *given);

/* A path that messages can name wherever they are read. malloc'ed; NULL: out of memory. */
char *path_make_absolute(const char *given);

#endif
