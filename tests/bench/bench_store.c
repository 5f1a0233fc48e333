/*
 * bench_store.c: what storing costs by io_uring and by plain system calls, among 1, 100 and 10,000
 * files.
 *
 *   bench_store FOLDER uring|posix FILES snapshot|checkpoint|retention|nothing [COUNT]
 *
 * snapshot    a file of 16 KiB is replaced, COUNT times
 * checkpoint  the checkpoint is renamed to be the one before, and a new one of 16 KiB stored
 * retention   FILES files are found and removed, once
 * nothing     only what the others do beside it, for counting system calls
 *
 * FOLDER is empty, and filled with FILES files first. Prints a line of JSON: microseconds of one
 * operation until it is durable, and of the caller's, whose thread drains the ring.
 */
#include "agent/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES 16384
#define WAIT_MS    60000

static struct store *store;
static double caller_us;
static size_t operations;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void done(void *context, const struct store_result *r)
{
	(void)context;
	if (r->error && r->error != -ENOENT) {
		fprintf(stderr, "bench_store: could not %s %s: %s\n", store_step_name(r->step),
		    r->name, strerror(-r->error));
		exit(EXIT_FAILURE);
	}
}

static void put(const char *name)
{
	char *bytes = malloc(FILE_BYTES);

	if (!bytes)
		exit(EXIT_FAILURE);
	memset(bytes, 'x', FILE_BYTES);
	store_put(store, name, bytes, FILE_BYTES, 0600, done, NULL);
}

static void snapshot(void)
{
	put("hourly_20240101_00.json");
}

static void checkpoint(void)
{
	store_rename(store, "state", "state.previous", done, NULL);
	put("state");
}

static bool every(const void *order, const char *name)
{
	(void)order;
	return strncmp(name, "hourly_", 7) == 0;
}

/* As retention.c does: a step at a time. */
static void swept(void *context, const struct store_result *r)
{
	done(context, r);
	operations += r->removed;
	if (r->more)
		store_sweep(store, every, NULL, swept, NULL);
}

static void retention(void)
{
	store_sweep(store, every, NULL, swept, NULL);
}

static void nothing(void)
{
}

/* What the caller does itself: asking for it, and looking whether it is done, every 5 ms. */
static void carry_out(void (*operation)(void))
{
	const struct timespec pause = {0, 100000};
	double start = now_us();

	operation();
	while (store_poll(store) > 0) {
		caller_us += now_us() - start;
		nanosleep(&pause, NULL);
		start = now_us();
	}
	caller_us += now_us() - start;
}

static int fill(int folder, unsigned files)
{
	char name[64];

	for (unsigned i = 0; i < files; i++) {
		int fd;

		snprintf(name, sizeof(name), "hourly_2023%04u_%02u.json", i / 24, i % 24);
		fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return -errno;
		close(fd);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} all[] = {{"snapshot", snapshot}, {"checkpoint", checkpoint}, {"retention", retention},
	    {"nothing", nothing}};
	int folder = argc > 4 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, refused;
	unsigned files = argc > 4 ? (unsigned)atoi(argv[3]) : 0;
	int count = argc > 5 ? atoi(argv[5]) : 1;
	void (*operation)(void) = NULL;
	double start;

	for (size_t i = 0; argc > 4 && i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(argv[4], all[i].name) == 0)
			operation = all[i].run;
	if (folder < 0 || !operation || fill(folder, files) < 0 ||
	    store_open(strcmp(argv[2], "posix") ? STORE_IO_URING : STORE_IO_POSIX, folder, -1,
		&store, &refused) < 0)
		return EXIT_FAILURE;
	start = now_us();
	for (int i = 0; i < count; i++)
		carry_out(operation);
	start = now_us() - start;
	if (operation != retention)
		operations = (size_t)count;
	(void)store_close(store, WAIT_MS);
	printf(
	    "{\"operation\": \"%s\", \"io\": \"%s\", \"files\": %u, \"count\": %zu, \"us\": %.1f, "
	    "\"caller_us\": %.1f}\n",
	    argv[4], argv[2], files, operations, start / (double)operations,
	    caller_us / (double)operations);
	return EXIT_SUCCESS;
}
