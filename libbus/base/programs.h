/*
 * programs.h: the option tables of all programs, each defined in its NAME_options.c.
 */
#ifndef ORBUS_BASE_PROGRAMS_H
#define ORBUS_BASE_PROGRAMS_H

#include "options.h"

extern const struct cli_program oragent_program;
extern const struct cli_program orcall_program;
extern const struct cli_program orpub_program;
extern const struct cli_program orreport_program;
extern const struct cli_program orstat_program;
extern const struct cli_program ortail_program;

#endif
