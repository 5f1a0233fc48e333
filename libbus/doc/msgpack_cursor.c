/*
 * msgpack_cursor.c: walks msgpack from front to back and takes only what is asked for.
 */
#include "msgpack_cursor.h"

#include <math.h>

void msgpack_cursor_init(struct msgpack_cursor *c, const void *bytes, size_t length)
{
	mp_reader_init(&c->in, bytes, length);
	c->depth = 0;
}

const char msgpack_kinds[256] = {[0 ... 0x7f] = '0',
    [0x80 ... 0x8f] = '{',
    [0x90 ... 0x9f] = '[',
    [0xa0 ... 0xbf] = '"',
    [0xc0] = 'n',
    [0xc2 ... 0xc3] = 't',
    [0xca ... 0xd3] = '0',
    [0xd9 ... 0xdb] = '"',
    [0xdc ... 0xdd] = '[',
    [0xde ... 0xdf] = '{',
    [0xe0 ... 0xff] = '0'};

void msgpack_cursor_open(struct msgpack_cursor *c, bool is_array)
{
	struct mp_value v;

	if (!mp_next(&c->in, &v))
		return;
	if (v.type != (is_array ? MP_ARRAY : MP_MAP) || c->depth == DOCUMENT_DEPTH_MAX)
		c->in.failed = true;
	else
		c->left[c->depth++] = v.count;
}

/* Whether one more follows in what was entered; else it is left. */
static bool go_on(struct msgpack_cursor *c)
{
	if (c->in.failed)
		return false;
	if (c->left[c->depth - 1] > 0) {
		c->left[c->depth - 1]--;
		return true;
	}
	c->depth--;
	return false;
}

bool msgpack_cursor_member(struct msgpack_cursor *c, struct msgpack_text *key)
{
	if (!go_on(c))
		return false;
	msgpack_cursor_text(c, key);
	return !c->in.failed;
}

bool msgpack_cursor_item(struct msgpack_cursor *c)
{
	return go_on(c);
}

void msgpack_cursor_skip(struct msgpack_cursor *c)
{
	(void)mp_skip(&c->in, DOCUMENT_DEPTH_MAX - c->depth);
}

void msgpack_cursor_count(struct msgpack_cursor *c, uint64_t *out)
{
	struct mp_value v;

	*out = 0;
	if (!mp_next_count(&c->in, &v))
		return;
	if (v.type != MP_UINT || v.uint > COUNT_MAX)
		c->in.failed = true;
	else
		*out = v.uint;
}

bool msgpack_cursor_any_count(struct msgpack_cursor *c, uint64_t *out)
{
	struct mp_value v;

	*out = 0;
	if (!mp_next_count(&c->in, &v))
		return false;
	if (v.type == MP_UINT)
		*out = count_bound(v.uint);
	else if (v.type == MP_DOUBLE)
		*out = count_of(v.real);
	else if (v.type != MP_INT)
		c->in.failed = true;
	return v.type != MP_DOUBLE;
}

void msgpack_cursor_integer(struct msgpack_cursor *c, int64_t *out)
{
	struct mp_value v;

	*out = 0;
	if (!mp_next(&c->in, &v))
		return;
	if (v.type == MP_INT)
		*out = v.sint;
	else if (v.type == MP_UINT && v.uint <= COUNT_MAX)
		*out = (int64_t)v.uint;
	else
		c->in.failed = true;
}

size_t msgpack_cursor_counts(struct msgpack_cursor *c, uint64_t *out, size_t max)
{
	size_t n = 0;

	msgpack_cursor_open(c, true);
	while (msgpack_cursor_item(c)) {
		const uint8_t *at = c->in.at;

		if (n == max) {
			c->in.failed = true;
		} else if (at < c->in.end && *at < 0x80) {
			/* Most are small: one byte each. */
			out[n++] = *at;
			c->in.at++;
		} else {
			msgpack_cursor_count(c, &out[n++]);
		}
	}
	return c->in.failed ? 0 : n;
}

void msgpack_cursor_figure(struct msgpack_cursor *c, double *out)
{
	struct mp_value v;

	*out = NAN;
	if (!mp_next_real(&c->in, &v))
		return;
	if (v.type == MP_DOUBLE && isfinite(v.real))
		*out = v.real;
	else if (v.type == MP_UINT && v.uint <= COUNT_MAX)
		*out = (double)v.uint;
	else if (v.type == MP_INT)
		*out = (double)v.sint;
	else if (v.type != MP_NIL)
		c->in.failed = true;
}

void msgpack_cursor_bool(struct msgpack_cursor *c, bool *out)
{
	struct mp_value v;

	*out = false;
	if (!mp_next(&c->in, &v))
		return;
	if (v.type != MP_BOOL)
		c->in.failed = true;
	else
		*out = v.boolean;
}

void msgpack_cursor_text(struct msgpack_cursor *c, struct msgpack_text *out)
{
	struct mp_value v;

	*out = (struct msgpack_text){"", 0};
	if (!mp_next_text(&c->in, &v))
		return;
	if (v.type != MP_STRING)
		c->in.failed = true;
	else
		*out = (struct msgpack_text){v.bytes, v.count};
}

void msgpack_cursor_end(struct msgpack_cursor *c)
{
	if (c->in.at != c->in.end)
		c->in.failed = true;
}
