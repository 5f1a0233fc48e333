/*
 * msgpack_out.c: a document as msgpack, by msgpack-c.
 *
 * How much an object or array holds is known at its end: it has the widest of the headers, with
 * room for any count.
 */
#include "writer.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#define MAP_32   0xdf
#define ARRAY_32 0xdd

static int write_bytes(void *context, const char *bytes, size_t length)
{
	struct msgpack_writer *m = context;

	if (buffer_append(&m->packed, bytes, length))
		return 0;
	m->writer.failed = true;
	return -1;
}

static void pack_text(msgpack_packer *pk, const char *text, size_t length)
{
	msgpack_pack_str(pk, length);
	msgpack_pack_str_body(pk, text, length);
}

/* Counts one more in what is open, and writes its key. */
static void begin_value(struct msgpack_writer *m, msgpack_packer *pk, const char *key)
{
	msgpack_packer_init(pk, m, write_bytes);
	if (m->writer.depth)
		m->open[m->writer.depth - 1].count++;
	if (key)
		pack_text(pk, key, strlen(key));
}

static void msgpack_open(struct writer *w, const char *key, bool is_array)
{
	static const char headers[][5] = {{(char)MAP_32}, {(char)ARRAY_32}};
	struct msgpack_writer *m = (struct msgpack_writer *)w;
	msgpack_packer pk;

	begin_value(m, &pk, key);
	m->open[w->depth].at = m->packed.length + 1;
	m->open[w->depth].count = 0;
	(void)write_bytes(m, headers[is_array], sizeof(headers[is_array]));
}

static void msgpack_close(struct writer *w)
{
	struct msgpack_writer *m = (struct msgpack_writer *)w;
	uint32_t count = m->open[w->depth - 1].count;
	char *at = m->packed.bytes + m->open[w->depth - 1].at;

	for (int i = 0; i < 4; i++)
		at[i] = (char)(count >> (24 - 8 * i));
}

static void msgpack_value(struct writer *w, const char *key, const struct writer_value *v)
{
	msgpack_packer pk;

	begin_value((struct msgpack_writer *)w, &pk, key);
	switch (v->type) {
	case WRITER_NULL: msgpack_pack_nil(&pk); break;
	case WRITER_BOOLEAN: (v->boolean ? msgpack_pack_true : msgpack_pack_false)(&pk); break;
	case WRITER_INTEGER: msgpack_pack_int64(&pk, v->integer); break;
	case WRITER_REAL: msgpack_pack_double(&pk, v->real); break;
	case WRITER_TEXT: pack_text(&pk, v->text.bytes, v->text.length); break;
	}
}

static const struct writer_form form = {msgpack_open, msgpack_close, msgpack_value};

void msgpack_writer_init(struct msgpack_writer *m)
{
	*m = (struct msgpack_writer){.writer.form = &form};
}

void msgpack_writer_init_after(struct msgpack_writer *m, const void *head, size_t length)
{
	msgpack_writer_init(m);
	(void)write_bytes(m, head, length);
}

void msgpack_writer_splice(
    struct msgpack_writer *m, const char *key, const char *bytes, size_t length)
{
	msgpack_packer pk;

	if (m->writer.failed)
		return;
	begin_value(m, &pk, key);
	(void)write_bytes(m, bytes, length);
}

char *msgpack_writer_take(struct msgpack_writer *m, size_t *length)
{
	*length = m->packed.length;
	if (!m->writer.failed)
		return m->packed.bytes;
	free(m->packed.bytes);
	return NULL;
}
