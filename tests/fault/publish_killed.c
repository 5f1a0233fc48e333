/*
 * publish_killed.c: a bot is killed between any two stores of a publish.
 *
 *   publish_killed BUS
 *
 * A bot publishes three samples, stops, and publishes a fourth under PTRACE_SINGLESTEP. A first one
 * is only watched: after which instructions has its lane changed? Then, for each of these and for
 * the first instruction, a bot of its own is killed right there. After each of these kills the
 * three samples are read, the fourth whole or not at all, nothing is lost or rejected, and the next
 * bot continues the same lane. Prints how many bots it killed.
 */
#include "orbus.h"
#include "ring/reader.h"
#include "ring/ring_view.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BEFORE 3
/* All numbers are encoded in as many bytes, so that all publishes make the same stores. */
#define FIRST UINT64_C(100000)

static void fail(const char *what, int changes)
{
	fprintf(stderr, "publish_killed: %s (killed after store %d)\n", what, changes);
	exit(EXIT_FAILURE);
}

static void fill(struct orbus_sample *s, uint64_t number)
{
	orbus_sample_init(s);
	s->model = "openai/gpt-4";
	s->provider = "OpenAI";
	s->request_id = "gen-0123456789";
	s->response_ms = 1234.5;
	s->prompt_tokens = number;
	s->completion_tokens = ~number & 0xffffff;
}

static void be_the_bot(const char *bus, uint64_t number)
{
	struct orbus_producer *p;
	struct orbus_sample s;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ||
	    orbus_producer_open(bus, "victim", &p) != 0)
		_exit(2);
	for (int i = 0; i < BEFORE; i++) {
		fill(&s, number + (uint64_t)i);
		if (orbus_publish(p, &s) != 0)
			_exit(2);
	}
	fill(&s, number + BEFORE);
	raise(SIGSTOP);
	orbus_publish(p, &s);
	raise(SIGSTOP);
	_exit(0);
}

static pid_t start(const char *bus, uint64_t number)
{
	pid_t bot = fork();
	int status;

	if (bot == 0)
		be_the_bot(bus, number);
	if (waitpid(bot, &status, 0) != bot || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
		fail("the bot did not come to its publish", 0);
	return bot;
}

/* One instruction. False: the publish is over. */
static bool step(pid_t bot)
{
	int status;

	if (ptrace(PTRACE_SINGLESTEP, bot, NULL, NULL) < 0 || waitpid(bot, &status, 0) != bot ||
	    !WIFSTOPPED(status))
		fail("the bot cannot be stepped", -1);
	return WSTOPSIG(status) != SIGSTOP;
}

static void end(pid_t bot)
{
	int status;

	kill(bot, SIGKILL);
	waitpid(bot, &status, 0);
}

/* The lane's header and the slot of the next record, as they are now. */
static uint64_t fingerprint(const struct ring_view *s, uint32_t lane, uint64_t record)
{
	return XXH3_64bits(lane_view_header(s, lane), sizeof(struct lane_header)) ^
	       XXH3_64bits(lane_view_slot(s, lane, record), s->segment.shape.slot_bytes);
}

/*
 * Lets a bot go until its lane has changed `changes` times; -1: to the end of its publish. Returns
 * how often it has changed.
 */
static int go(pid_t bot, const struct ring_view *s, uint32_t lane, int changes)
{
	uint64_t record = lane_view_head(s, lane), before = fingerprint(s, lane, record);
	int seen = 0;

	while (seen != changes && step(bot)) {
		uint64_t now = fingerprint(s, lane, record);

		seen += now != before;
		before = now;
	}
	return seen;
}

/* Reads what the bot left. Returns whether its last sample is there. */
static bool check(struct orbus_reader *r, uint64_t number, uint32_t *lane, int n)
{
	struct orbus_sample s;
	int seen = 0;

	for (; orbus_reader_next(r, &s) == 1; seen++) {
		if (s.prompt_tokens != number + (uint64_t)seen ||
		    s.completion_tokens != (~s.prompt_tokens & 0xffffff) || !s.model ||
		    strcmp(s.model, "openai/gpt-4") != 0)
			fail("a sample is torn or out of order", n);
		if (*lane != UINT32_MAX && reader_origin(r)->lane != *lane)
			fail("the next bot has another lane", n);
		*lane = reader_origin(r)->lane;
	}
	if (seen < BEFORE || seen > BEFORE + 1)
		fail("a sample is missing, or one too many", n);
	if (orbus_reader_lost(r) || orbus_reader_rejected(r))
		fail("samples were lost or rejected", n);
	return seen > BEFORE;
}

/* The kernel frees a dead bot's lane some milliseconds after its death. */
static void wait_until_free(struct orbus_reader *r, uint32_t lane, int n)
{
	const struct timespec pause = {0, 500000};

	for (int i = 0; reader_lane_is_owned(r, lane) != 0; i++) {
		if (i > 10000)
			fail("the lane is not freed", n);
		nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	struct bus_paths paths;
	struct orbus_reader *r;
	struct ring_view s;
	uint32_t lane = UINT32_MAX;
	int stores, delivered = 0;
	pid_t bot;

	if (argc != 2 || orbus_create(argv[1], NULL) < 0 || orbus_reader_open(argv[1], &r) != 0 ||
	    bus_paths_resolve(argv[1], &paths) != 0 || ring_view_open(&s, &paths, NULL) != 0)
		return EXIT_FAILURE;
	bot = start(argv[1], FIRST);
	stores = go(bot, &s, 0, -1);
	end(bot);
	orbus_reader_skip(r);
	for (int i = 0; i <= stores; i++) {
		uint64_t number = FIRST + 10 * (uint64_t)(i + 1);

		wait_until_free(r, 0, i);
		bot = start(argv[1], number);
		if (go(bot, &s, 0, i) != i)
			fail("a publish has lost a store", i);
		end(bot);
		delivered += check(r, number, &lane, i);
	}
	/* Sequence, owner, payload, sequence, head: the last store alone publishes. */
	if (lane != 0 || stores < 5 || delivered != 1)
		fail("the kills did not fall between the stores", stores);
	printf("%d bots killed between the stores of one publish; %d sample was published\n",
	    stores + 1, delivered);
	ring_view_close(&s);
	orbus_reader_close(r);
	return EXIT_SUCCESS;
}
