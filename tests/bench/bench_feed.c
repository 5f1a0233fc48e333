/*
 * bench_feed.c: what it costs to measure a piece of a stream, and how much of that is the clock.
 *
 *   bench_feed [PIECES]
 *
 * A stream of OpenRouter's chunks is fed to bindings/llm, a piece a chunk, as all bindings do. The
 * clock is read once a piece: a piece may bring the first token, may follow a long gap, and may be
 * the last one that the program waits for. Prints a line of JSON: nanoseconds a piece, and a
 * reading of the clock, the fastest of several rounds.
 */
#include "base/now.h"
#include "llm/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 9

static const char piece[] =
    "data: {\"id\":\"gen-1700000000-abc\",\"provider\":\"Acme\",\"model\":\"acme/large-2024\",\"object\":"
    "\"chat.completion.chunk\",\"created\":1700000000,\"choices\":[{\"index\":0,\"delta\":{\"role\":"
    "\"assistant\",\"content\":\" word\"},\"finish_reason\":null,\"native_finish_reason\":null,"
    "\"logprobs\":null}]}\n\n";

/* Nanoseconds a piece, of a call with these limits. */
static double feed(long pieces, uint64_t limit_ms)
{
	const struct llm_call_options options = {
	    .stream = true, .first_token_timeout_ms = limit_ms, .idle_timeout_ms = limit_ms};
	struct llm_call call;
	uint64_t start;
	double each;

	if (llm_call_begin(&call, NULL, &options) != 0)
		exit(EXIT_FAILURE);
	start = now_ns_of(CLOCK_MONOTONIC);
	for (long i = 0; i < pieces; i++) {
		llm_call_feed(&call, piece, sizeof(piece) - 1);
		if (limit_ms)
			llm_call_hold(&call);
	}
	each = (double)(now_ns_of(CLOCK_MONOTONIC) - start) / (double)pieces;
	llm_call_free(&call);
	return each;
}

static double read_clock(long times)
{
	uint64_t start = now_ns_of(CLOCK_MONOTONIC), last = 0;

	for (long i = 0; i < times; i++)
		last = now_ns_of(CLOCK_MONOTONIC);
	return (double)(last - start) / (double)times;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

int main(int argc, char **argv)
{
	long pieces = argc > 1 ? atol(argv[1]) : 20000;
	double plain = 1e9, limited = 1e9, clock = 1e9;

	if (pieces < 1)
		return 2;
	for (int i = 0; i < ROUNDS; i++) {
		plain = least(plain, feed(pieces, 0));
		limited = least(limited, feed(pieces, 60000));
		clock = least(clock, read_clock(pieces));
	}
	printf("{\"piece_bytes\": %zu, \"piece_ns\": %.1f, \"piece_with_limits_ns\": %.1f, "
	       "\"clock_ns\": %.1f}\n",
	    sizeof(piece) - 1, plain, limited, clock);
	return EXIT_SUCCESS;
}
