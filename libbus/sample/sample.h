/*
 * sample.h: a sample's msgpack form, for the library itself. The meaning is in orbus.h.
 */
#ifndef ORBUS_SAMPLE_H
#define ORBUS_SAMPLE_H

#include "orbus.h"

/* The names of kinds and statuses, backwards. False: no such word. */
bool sample_kind_from_name(const char *name, size_t length, enum orbus_kind *out);
bool sample_status_from_name(const char *name, size_t length, enum orbus_status *out);

/* Whether a sample's figures and texts may be published: 0, -EDOM, -EILSEQ, -EINVAL. */
int sample_validate(const struct orbus_sample *s);

/*
 * Encodes a sample that sample_validate() accepts, with `ts` in the place of its own, and with the
 * default where it names no bot. Texts are cut to ORBUS_TEXT_MAX, error_message to what fits;
 * -EMSGSIZE where even without that the sample is larger than `capacity`. Returns the length.
 */
int sample_encode(const struct orbus_sample *s, uint64_t ts, const char *default_bot, char *buffer,
    size_t capacity);

/* Room for a decoded sample's strings, for a payload of at most `payload_bytes`. */
size_t sample_arena_bytes(size_t payload_bytes);

struct sample_storage {
	char *arena; /* sample_arena_bytes() large */
	struct orbus_tag tags[ORBUS_TAGS_MAX];
};

/*
 * Decodes and validates untrusted bytes; unknown keys are passed over, texts are cut as
 * sample_encode() cuts them. The sample's strings and
 * tags lie in `storage`. 0, or -EBADMSG: not such a map, or a bad figure, text or word.
 */
int sample_decode(
    const void *bytes, size_t length, struct sample_storage *storage, struct orbus_sample *out);

#endif
