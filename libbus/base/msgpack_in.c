/*
 * msgpack_in.c: a bounded pull decoder of msgpack for untrusted bytes.
 * Format: github.com/msgpack/msgpack/blob/master/spec.md
 */
#include "msgpack_in.h"

#include <endian.h>
#include <string.h>

void mp_reader_init(struct mp_reader *r, const void *bytes, size_t length)
{
	r->at = bytes;
	r->end = r->at + length;
	r->failed = false;
}

/* A big-endian integer of `bytes` bytes, which the compiler knows wherever it is called. */
static inline bool take(struct mp_reader *r, unsigned bytes, uint64_t *out)
{
	uint64_t v = 0;

	if ((size_t)(r->end - r->at) < bytes)
		return false;
	memcpy((char *)&v + sizeof(v) - bytes, r->at, bytes);
	r->at += bytes;
	*out = be64toh(v);
	return true;
}

static bool take_bytes(struct mp_reader *r, enum mp_type type, uint64_t count, struct mp_value *out)
{
	if ((uint64_t)(r->end - r->at) < count)
		return false;
	out->type = type;
	out->bytes = (const char *)r->at;
	out->count = (uint32_t)count;
	r->at += count;
	return true;
}

/* Every item takes a byte at least: a count beyond what is left is a lie. */
static bool take_items(struct mp_reader *r, enum mp_type type, uint64_t count, struct mp_value *out)
{
	if (count * (type == MP_MAP ? 2 : 1) > (uint64_t)(r->end - r->at))
		return false;
	out->type = type;
	out->count = (uint32_t)count;
	return true;
}

static bool take_signed(struct mp_reader *r, unsigned bytes, struct mp_value *out)
{
	uint64_t v;

	if (!take(r, bytes, &v))
		return false;
	/* Sign-extend by shifting up and arithmetically down. */
	out->sint = (int64_t)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes);
	out->uint = (uint64_t)out->sint;
	out->type = out->sint < 0 ? MP_INT : MP_UINT;
	return true;
}

static bool take_real(struct mp_reader *r, unsigned bytes, struct mp_value *out)
{
	uint64_t v;
	uint32_t v32;
	float f;

	if (!take(r, bytes, &v))
		return false;
	out->type = MP_DOUBLE;
	if (bytes == 8) {
		memcpy(&out->real, &v, sizeof(v));
	} else {
		v32 = (uint32_t)v;
		memcpy(&f, &v32, sizeof(f));
		out->real = f;
	}
	return true;
}

/* Types whose length comes in 1, 2 or 4 bytes, `code` being the first of the three. */
static bool take_sized(
    struct mp_reader *r, enum mp_type type, unsigned width, unsigned extra, struct mp_value *out)
{
	uint64_t n;

	return take(r, width, &n) && take_bytes(r, type, n + extra, out);
}

static bool take_uint(struct mp_reader *r, unsigned width, struct mp_value *out)
{
	out->type = MP_UINT;
	return take(r, width, &out->uint);
}

static bool take_collection(
    struct mp_reader *r, enum mp_type type, unsigned width, struct mp_value *out)
{
	uint64_t n;

	return take(r, width, &n) && take_items(r, type, n, out);
}

static bool take_coded(struct mp_reader *r, uint8_t code, struct mp_value *out)
{
	switch (code) {
	case 0xc0: out->type = MP_NIL; return true;
	case 0xc2:
	case 0xc3:
		out->type = MP_BOOL;
		out->boolean = code == 0xc3;
		return true;
	case 0xc4: return take_sized(r, MP_BINARY, 1, 0, out);
	case 0xc5: return take_sized(r, MP_BINARY, 2, 0, out);
	case 0xc6: return take_sized(r, MP_BINARY, 4, 0, out);
	case 0xc7: return take_sized(r, MP_EXT, 1, 1, out);
	case 0xc8: return take_sized(r, MP_EXT, 2, 1, out);
	case 0xc9: return take_sized(r, MP_EXT, 4, 1, out);
	case 0xca: return take_real(r, 4, out);
	case 0xcb: return take_real(r, 8, out);
	case 0xcc: return take_uint(r, 1, out);
	case 0xcd: return take_uint(r, 2, out);
	case 0xce: return take_uint(r, 4, out);
	case 0xcf: return take_uint(r, 8, out);
	case 0xd0: return take_signed(r, 1, out);
	case 0xd1: return take_signed(r, 2, out);
	case 0xd2: return take_signed(r, 4, out);
	case 0xd3: return take_signed(r, 8, out);
	case 0xd4:
	case 0xd5:
	case 0xd6:
	case 0xd7:
	case 0xd8: return take_bytes(r, MP_EXT, (1u << (code - 0xd4)) + 1, out);
	case 0xd9: return take_sized(r, MP_STRING, 1, 0, out);
	case 0xda: return take_sized(r, MP_STRING, 2, 0, out);
	case 0xdb: return take_sized(r, MP_STRING, 4, 0, out);
	case 0xdc: return take_collection(r, MP_ARRAY, 2, out);
	case 0xdd: return take_collection(r, MP_ARRAY, 4, out);
	case 0xde: return take_collection(r, MP_MAP, 2, out);
	case 0xdf: return take_collection(r, MP_MAP, 4, out);
	default: return false; /* 0xc1 is never used */
	}
}

static bool take_value(struct mp_reader *r, struct mp_value *out)
{
	uint8_t code;

	if (r->at >= r->end)
		return false;
	code = *r->at++;
	if (code < 0x80) {
		out->type = MP_UINT;
		out->uint = code;
		return true;
	}
	if (code < 0x90)
		return take_items(r, MP_MAP, code & 0x0f, out);
	if (code < 0xa0)
		return take_items(r, MP_ARRAY, code & 0x0f, out);
	if (code < 0xc0)
		return take_bytes(r, MP_STRING, code & 0x1f, out);
	if (code >= 0xe0) {
		out->type = MP_INT;
		out->sint = (int8_t)code;
		return true;
	}
	return take_coded(r, code, out);
}

bool mp_next(struct mp_reader *r, struct mp_value *out)
{
	if (r->failed || !take_value(r, out)) {
		r->failed = true;
		return false;
	}
	return true;
}

/* What a number, short text or other single value takes, by its first byte; 0: that does not say.
 */
static size_t single_bytes(uint8_t code)
{
	static const uint8_t bytes[256] = {[0 ... 0x7f] = 1,
	    [0xc0] = 1,
	    [0xc2 ... 0xc3] = 1,
	    [0xca] = 5,
	    [0xcb] = 9,
	    [0xcc] = 2,
	    [0xcd] = 3,
	    [0xce] = 5,
	    [0xcf] = 9,
	    [0xd0] = 2,
	    [0xd1] = 3,
	    [0xd2] = 5,
	    [0xd3] = 9,
	    [0xe0 ... 0xff] = 1};

	return (code & 0xe0) == 0xa0 ? 1 + (code & 0x1fu) : bytes[code];
}

/* Most of what is passed over are single values: how many of so many are, which are passed. */
static uint64_t skip_singles(struct mp_reader *r, uint64_t count)
{
	const uint8_t *at = r->at;
	uint64_t n;

	for (n = 0; n < count && at < r->end; n++) {
		size_t bytes = single_bytes(*at);

		if (bytes == 0 || bytes > (size_t)(r->end - at))
			break;
		at += bytes;
	}
	r->at = at;
	return n;
}

bool mp_skip(struct mp_reader *r, unsigned depth)
{
	struct mp_value v;
	uint64_t items;

	if (!mp_next(r, &v))
		return false;
	if (v.type != MP_ARRAY && v.type != MP_MAP)
		return true;
	if (depth == 0) {
		r->failed = true;
		return false;
	}
	items = v.type == MP_MAP ? 2 * (uint64_t)v.count : v.count;
	while ((items -= skip_singles(r, items)) > 0) {
		if (!mp_skip(r, depth - 1))
			return false;
		items--;
	}
	return true;
}
