/*
 * sample_json.h: a sample as a JSON object with the keys of orbus.h, to and fro.
 */
#ifndef ORBUS_DOC_SAMPLE_JSON_H
#define ORBUS_DOC_SAMPLE_JSON_H

#include "orbus.h"

#include <jansson.h>

/*
 * A new object holding what is present in the sample, with `ts` as RFC 3339 in UTC with
 * nanoseconds, and `tps` and `decode_tps` where they can be computed. NULL: out of memory.
 */
json_t *sample_to_json(const struct orbus_sample *s);

/*
 * Reads an object into *out. Strings and tags point into `object` and `tags` (room for
 * ORBUS_TAGS_MAX). Keys that are not known are passed over. `ts` may be RFC 3339 with any offset,
 * or a number of seconds. The error names the key: 0, or a negative errno with `error` filled in.
 */
int sample_from_json(const json_t *object, struct orbus_tag *tags, struct orbus_sample *out,
    char *error, size_t error_bytes);

#endif
