/*
 * test_board.c: the board: whole snapshots, a heartbeat, and refusal of what is no board.
 */
#include "base/data_limits.h"
#include "board/board.h"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* In the header. */
#define SLOT_BYTES_AT 24

static struct board *board(const char *bus)
{
	struct board *b;

	assert_int_equal(board_create(bus, 0600, NULL, &b), 0);
	return b;
}

static void the_newest_document_is_read(void **state)
{
	struct board *b;
	struct board_snapshot s;

	assert_int_equal(board_read(*state, &s), -ENOENT);
	b = board(*state);
	assert_int_equal(board_read(*state, &s), -ENOENT);
	for (int i = 0; i < 10; i++) {
		char text[32];

		snprintf(text, sizeof(text), "document %d", i);
		assert_int_equal(board_publish(b, text, strlen(text)), 0);
		assert_int_equal(board_read(*state, &s), 0);
		assert_int_equal(s.length, strlen(text));
		assert_memory_equal(s.bytes, text, s.length);
		assert_true(s.is_live);
		assert_int_equal(s.pid, getpid());
		free(s.bytes);
	}
	board_close(b);
	/* The agent is gone, what it said stays. */
	assert_int_equal(board_read(*state, &s), 0);
	free(s.bytes);
}

static void a_glance_tells_who_keeps_it(void **state)
{
	struct board_snapshot s;
	struct board *b;

	assert_int_equal(board_peek(*state, &s), -ENOENT);
	assert_false(s.is_live);
	b = board(*state);
	assert_int_equal(board_peek(*state, &s), 0); /* before there is a document, too */
	assert_true(s.is_live);
	assert_int_equal(s.pid, getpid());
	assert_null(s.bytes);
	board_close(b);
}

static void a_new_agent_takes_the_boards_place(void **state)
{
	struct board *old = board(*state), *fresh;
	struct board_snapshot s;

	assert_int_equal(board_publish(old, "old", 3), 0);
	assert_false(board_is_gone(old));
	fresh = board(*state);
	assert_true(board_is_gone(old));
	assert_int_equal(board_read(*state, &s), -ENOENT);
	assert_int_equal(board_publish(fresh, "new", 3), 0);
	assert_int_equal(board_read(*state, &s), 0);
	assert_memory_equal(s.bytes, "new", 3);
	free(s.bytes);
	board_close(old);
	board_close(fresh);
}

static void too_large_a_document_leaves_the_last(void **state)
{
	struct board *b = board(*state);
	struct board_snapshot s;
	char *large = calloc(1, BOARD_BYTES_MAX);

	assert_int_equal(board_publish(b, "small", 5), 0);
	assert_int_equal(board_publish(b, large, BOARD_BYTES_MAX), -EFBIG);
	assert_int_equal(board_read(*state, &s), 0);
	assert_int_equal(s.length, 5);
	free(s.bytes);
	free(large);
	board_close(b);
}

static void scribble(const char *bus, off_t offset, const void *bytes, size_t length)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/dev/shm/%s.board", bus);
	fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, bytes, length, offset), length);
	close(fd);
}

static void it_says_up_to_when_the_ring_is_read(void **state)
{
	const uint64_t of_an_older_agent = 0;
	struct board *b = board(*state);
	struct board_snapshot s;

	/* Nothing yet is told apart from an agent that does not tell. */
	assert_int_equal(board_peek(*state, &s), 0);
	assert_int_equal(s.drained_ns, 1);
	board_set_drained(b, 12345);
	assert_int_equal(board_peek(*state, &s), 0);
	assert_int_equal(s.drained_ns, 12345);
	board_beat(b);
	assert_int_equal(board_publish(b, "document", 8), 0);
	assert_int_equal(board_read(*state, &s), 0);
	assert_int_equal(s.drained_ns, 12345);
	free(s.bytes);
	scribble(*state, 72, &of_an_older_agent, sizeof(of_an_older_agent));
	assert_int_equal(board_peek(*state, &s), 0);
	assert_int_equal(s.drained_ns, 0);
	board_close(b);
}

/* Of version 1, whose slots are smaller: an agent of before an upgrade is still seen. */
static void a_board_of_version_1_is_read(void **state)
{
	const uint64_t slot_bytes = 16 << 20, slot_1[] = {1, 4, XXH3_64bits("text", 4)};
	struct board *b = board(*state);
	struct board_snapshot s;
	uint32_t version = 1;

	assert_int_equal(board_publish(b, "other", 5), 0);
	scribble(*state, 8, &version, sizeof(version));
	assert_int_equal(board_read(*state, &s), -EBADMSG);
	scribble(*state, SLOT_BYTES_AT, &slot_bytes, sizeof(slot_bytes));
	scribble(*state, 4096 + (16 << 20), slot_1, sizeof(slot_1));
	scribble(*state, 4096 + (16 << 20) + (off_t)sizeof(slot_1), "text", 4);
	assert_int_equal(board_read(*state, &s), 0);
	assert_int_equal(s.length, 4);
	assert_memory_equal(s.bytes, "text", 4);
	free(s.bytes);
	board_close(b);
}

static void damaged_boards_are_refused(void **state)
{
	struct board *b = board(*state);
	struct board_snapshot s;
	uint64_t huge = UINT64_MAX;
	char path[128];

	assert_int_equal(board_publish(b, "text", 4), 0);
	scribble(*state, 4096 + BOARD_BYTES_MAX + 24, "X", 1); /* slot 1's document */
	assert_int_equal(board_read(*state, &s), -EAGAIN);
	assert_int_equal(board_publish(b, "text", 4), 0);
	scribble(*state, 4096 + 2 * (off_t)BOARD_BYTES_MAX + 8, &huge, 8); /* slot 2's length */
	assert_int_equal(board_read(*state, &s), -EBADMSG);
	scribble(*state, 8, "\x09", 1);
	assert_int_equal(board_read(*state, &s), -EPROTONOSUPPORT);
	scribble(*state, 0, "NOBOARD!", 8);
	assert_int_equal(board_read(*state, &s), -EBADMSG);
	snprintf(path, sizeof(path), "/dev/shm/%s.board", (char *)*state);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(board_read(*state, &s), -EBADMSG);
	board_close(b);
}

struct racing {
	const char *bus;
	atomic_bool done;
};

static void *publish_much(void *argument)
{
	struct racing *racing = argument;
	struct board *b = board(racing->bus);
	char *text = malloc(100000);

	for (int i = 0; i < 2000; i++) {
		memset(text, 'a' + i % 26, 100000);
		assert_int_equal(board_publish(b, text, 50000 + (size_t)i), 0);
	}
	atomic_store(&racing->done, true);
	free(text);
	board_close(b);
	return NULL;
}

static void readers_get_whole_snapshots_or_none(void **state)
{
	struct racing racing = {.bus = *state};
	struct board_snapshot s;
	pthread_t thread;
	int got = 0;

	assert_int_equal(pthread_create(&thread, NULL, publish_much, &racing), 0);
	while (!atomic_load(&racing.done)) {
		int err = board_read(*state, &s);

		assert_true(err == 0 || err == -ENOENT || err == -EAGAIN);
		if (err)
			continue;
		got++;
		for (size_t i = 1; i < s.length; i++)
			if (((char *)s.bytes)[i] != ((char *)s.bytes)[0])
				fail_msg("torn at %zu", i);
		free(s.bytes);
	}
	pthread_join(thread, NULL);
	assert_true(got > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    bus_test(the_newest_document_is_read),
	    bus_test(a_glance_tells_who_keeps_it),
	    bus_test(a_new_agent_takes_the_boards_place),
	    bus_test(too_large_a_document_leaves_the_last),
	    bus_test(it_says_up_to_when_the_ring_is_read),
	    bus_test(a_board_of_version_1_is_read),
	    bus_test(damaged_boards_are_refused),
	    bus_test(readers_get_whole_snapshots_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
