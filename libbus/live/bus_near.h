/*
 * bus_near.h: the bus that a mistyped name was meant to be, for messages.
 *
 * A name that no bus has yet makes a new one: `orpub -b obrus` publishes where nobody looks.
 */
#ifndef ORBUS_LIVE_BUS_NEAR_H
#define ORBUS_LIVE_BUS_NEAR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Finds the bus in the same folder whose name is nearest to `bus` (NULL: the default) and another,
 * written as a person would name it, in *out. Only a bus that this user may read and whose owner is
 * trusted counts. False: none is near.
 */
bool bus_near_find(const char *bus, char *out, size_t bytes);

/* True where there is no bus of that name now. */
bool bus_is_new(const char *bus);

/*
 * After `bus`, which was new, has been made: "made the new bus 'obrus'; there is 'orbus'" in *out.
 * False: there is nothing to say, since no name is near.
 */
bool bus_new_describe(const char *bus, char *out, size_t bytes);

/* Prints that on standard error as "TOOL: ..."; `was_new`: bus_is_new() before it was opened. */
void bus_new_report(const char *tool, const char *bus, bool was_new);

#endif
