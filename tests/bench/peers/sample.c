/*
 * sample.c: the sample that all peers carry.
 */
#include "peer.h"

#include <endian.h>
#include <msgpack.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t stamp(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pack_text(msgpack_packer *pk, const char *text)
{
	msgpack_pack_str_with_body(pk, text, strlen(text));
}

size_t sample_pack(char *out)
{
	static msgpack_sbuffer buffer;
	msgpack_packer pk;

	msgpack_sbuffer_clear(&buffer);
	msgpack_packer_init(&pk, &buffer, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 9);
	pack_text(&pk, "status");
	pack_text(&pk, "ok");
	pack_text(&pk, "ts");
	msgpack_pack_uint64(&pk, stamp());
	pack_text(&pk, "bot");
	pack_text(&pk, "acore");
	pack_text(&pk, "model");
	pack_text(&pk, SAMPLE_MODEL);
	pack_text(&pk, "response_ms");
	msgpack_pack_double(&pk, SAMPLE_RESPONSE);
	pack_text(&pk, "ttft_ms");
	msgpack_pack_double(&pk, SAMPLE_TTFT);
	pack_text(&pk, "prompt_tokens");
	msgpack_pack_uint64(&pk, SAMPLE_PROMPT);
	pack_text(&pk, "completion_tokens");
	msgpack_pack_uint64(&pk, SAMPLE_COMPLETION);
	pack_text(&pk, "cost_usd");
	msgpack_pack_double(&pk, SAMPLE_COST);
	memcpy(out, buffer.data, buffer.size);
	return buffer.size;
}

/* After the map's head, "status", "ok", "ts" and the integer's head. */
#define STAMP_AT (1 + 7 + 3 + 3 + 1)

uint64_t sample_stamp(const char *bytes)
{
	uint64_t big_endian;

	memcpy(&big_endian, bytes + STAMP_AT, sizeof(big_endian));
	return be64toh(big_endian);
}

size_t sample_json(char out[512])
{
	return (size_t)snprintf(out, 512,
	    "{\"status\":\"ok\",\"ts\":%llu,\"bot\":\"acore\",\"model\":\"" SAMPLE_MODEL
	    "\",\"response_ms\":%g,\"ttft_ms\":%g,\"prompt_tokens\":%d,\"completion_tokens\":%d,"
	    "\"cost_usd\":%g}\n",
	    (unsigned long long)stamp(), SAMPLE_RESPONSE, SAMPLE_TTFT, SAMPLE_PROMPT,
	    SAMPLE_COMPLETION, SAMPLE_COST);
}

const char *run_name(void)
{
	static char name[48];

	if (!name[0])
		snprintf(name, sizeof(name), "orbus-bench-%d", (int)getpid());
	return name;
}
