/*
 * msgpack_in.h: a bounded pull decoder of msgpack for untrusted bytes.
 *
 * It allocates nothing, never reads past its end, and never believes a count: an array that claims
 * 2^32 items in five bytes costs nothing (msgpack-c would reserve memory for them first). The
 * first fault sets `failed`, after which every call returns a neutral value.
 */
#ifndef ORBUS_BASE_MSGPACK_IN_H
#define ORBUS_BASE_MSGPACK_IN_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum mp_type {
	MP_NIL,
	MP_BOOL,
	MP_UINT, /* an integer >= 0 */
	MP_INT,  /* an integer < 0 */
	MP_DOUBLE,
	MP_STRING,
	MP_BINARY,
	MP_ARRAY,
	MP_MAP,
	MP_EXT,
};

struct mp_value {
	enum mp_type type;
	bool boolean;
	uint64_t uint;
	int64_t sint;
	double real;
	const char *bytes; /* of a string, binary or ext: inside the input */
	uint32_t count;    /* bytes of those; items of an array; pairs of a map */
};

struct mp_reader {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

void mp_reader_init(struct mp_reader *r, const void *bytes, size_t length);

/*
 * The next value; the items of an array or map follow as values of their own. False: no whole
 * value is there. A count larger than the bytes that are left fails at once.
 */
bool mp_next(struct mp_reader *r, struct mp_value *out);

/* The same for a place where a short text is likely: a key, a name. */
static inline bool mp_next_text(struct mp_reader *r, struct mp_value *out)
{
	size_t left = (size_t)(r->end - r->at), length;

	if (r->failed || left == 0 || (*r->at & 0xe0) != 0xa0)
		return mp_next(r, out);
	length = *r->at & 0x1f;
	if (length >= left)
		return mp_next(r, out);
	out->type = MP_STRING;
	out->bytes = (const char *)r->at + 1;
	out->count = (uint32_t)length;
	r->at += 1 + length;
	return true;
}

/* The same for a place where a double is likely. */
static inline bool mp_next_real(struct mp_reader *r, struct mp_value *out)
{
	uint64_t bits;

	if (r->failed || r->end - r->at < 9 || *r->at != 0xcb)
		return mp_next(r, out);
	memcpy(&bits, r->at + 1, sizeof(bits));
	bits = be64toh(bits);
	memcpy(&out->real, &bits, sizeof(bits));
	out->type = MP_DOUBLE;
	r->at += 9;
	return true;
}

/* The same for a place where a count of up to 65,535 is likely. */
static inline bool mp_next_count(struct mp_reader *r, struct mp_value *out)
{
	uint16_t big_endian;

	if (r->failed || r->end - r->at < 3 || *r->at != 0xcd)
		return mp_next(r, out);
	memcpy(&big_endian, r->at + 1, sizeof(big_endian));
	out->uint = be16toh(big_endian);
	out->type = MP_UINT;
	r->at += 3;
	return true;
}

/* Passes over the next value with all that is in it, at most `depth` levels deep. */
bool mp_skip(struct mp_reader *r, unsigned depth);

#endif
