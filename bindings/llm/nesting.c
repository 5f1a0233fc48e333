/*
 * nesting.c: which of several layers around one call is the call.
 */
#include "nesting.h"

#include <stdlib.h>
#include <string.h>

/* "orbus" and "/orbus" are one name; of a path the first slash says nothing either. */
static const char *bare_name(const char *bus)
{
	if (!bus)
		bus = getenv("ORBUS");
	if (!bus || !*bus)
		bus = "orbus";
	return bus + (*bus == '/');
}

bool nesting_is_same_bus(const char *a, const char *b)
{
	return a == b || strcmp(bare_name(a), bare_name(b)) == 0;
}
