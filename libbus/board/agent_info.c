/*
 * agent_info.c: what the board says of its agent.
 *
 * The board is another process's: each value is taken only where it is of the expected form.
 */
#include "agent_info.h"
#include "base/data_limits.h"
#include "base/msgpack_in.h"
#include "board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_key(const struct mp_value *key, const char *name)
{
	return key->type == MP_STRING && key->count == strlen(name) &&
	       memcmp(key->bytes, name, key->count) == 0;
}

static void take_folder(const struct mp_value *v, struct agent_info *out)
{
	if (v->type != MP_STRING || v->count >= sizeof(out->data_dir) || v->count == 0 ||
	    v->bytes[0] != '/' || memchr(v->bytes, '\0', v->count))
		return;
	memcpy(out->data_dir, v->bytes, v->count);
	out->data_dir[v->count] = '\0';
}

/* The members of `agent`. */
static void take_agent(struct mp_reader *r, uint32_t members, struct agent_info *out)
{
	struct mp_value key, v;

	while (members-- > 0 && mp_next(r, &key)) {
		struct mp_reader value = *r;

		if (!mp_skip(r, DOCUMENT_DEPTH_MAX) || !mp_next(&value, &v))
			return;
		if (is_key(&key, "data_dir"))
			take_folder(&v, out);
		if (is_key(&key, "retention_days") && v.type == MP_UINT) {
			out->has_retention = true;
			out->retention_days = v.uint;
		}
	}
}

int agent_info_take(const void *document, size_t length, struct agent_info *out)
{
	struct mp_value map, key;
	struct mp_reader r;

	mp_reader_init(&r, document, length);
	if (!mp_next(&r, &map) || map.type != MP_MAP)
		return -EBADMSG;
	for (uint32_t i = 0; i < map.count && mp_next(&r, &key); i++) {
		struct mp_reader value = r;
		struct mp_value v;

		if (!is_key(&key, "agent")) {
			if (!mp_skip(&r, DOCUMENT_DEPTH_MAX))
				return -EBADMSG;
			continue;
		}
		if (!mp_next(&value, &v) || v.type != MP_MAP)
			return -EBADMSG;
		take_agent(&value, v.count, out);
		return 0;
	}
	return -EBADMSG;
}

int agent_info_read(const char *bus, struct agent_info *out)
{
	struct board_snapshot board;
	int err = board_read(bus, &board);

	memset(out, 0, sizeof(*out));
	if (!err) {
		out->is_live = board.is_live;
		err = agent_info_take(board.bytes, board.length, out);
	}
	free(board.bytes);
	return err;
}
