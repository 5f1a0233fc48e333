/*
 * dimensions.c: the list of dimensions as tables.
 */
#include "dimensions.h"
#include "aggregate.h"

#include <stddef.h>

#define NAMES(ID, name, letter) [DIMENSION_##ID] = {#name, #ID, "by_" #name},
const struct dimension_names dimension_names[DIMENSIONS] = {DIMENSIONS_LIST(NAMES)};

#define OFFSET(ID, name, letter) [DIMENSION_##ID] = offsetof(struct aggregate, by_##name),
static const size_t offsets[DIMENSIONS] = {DIMENSIONS_LIST(OFFSET)};

const struct name_table *dimension_table(const struct aggregate *a, enum dimension by)
{
	return (const struct name_table *)((const char *)a + offsets[by]);
}
