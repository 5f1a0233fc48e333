/*
 * bench_exec.c: how long programs take from exec to exit, by turns.
 *
 *   bench_exec COUNT PROGRAM [ARGUMENT...] [-- PROGRAM [ARGUMENT...]]...
 *
 * Their output goes to /dev/null. Prints a line of JSON for each: milliseconds at the median, p99.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define PROGRAMS_MAX 8
#define COUNT_MAX    10000

extern char **environ;

static double figures[PROGRAMS_MAX][COUNT_MAX];

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Milliseconds, or a negative figure: it failed. */
static double run(char **command, const posix_spawn_file_actions_t *quiet)
{
	double start = now_ms();
	pid_t pid;
	int status;

	if (posix_spawnp(&pid, command[0], quiet, NULL, command, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		return -1;
	return now_ms() - start;
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[1]) : 0, programs = 0;
	posix_spawn_file_actions_t quiet;
	char **commands[PROGRAMS_MAX];

	if (count < 1 || count > COUNT_MAX)
		return 2;
	commands[programs++] = argv + 2;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		if (programs == PROGRAMS_MAX || i + 1 == argc)
			return 2;
		argv[i] = NULL;
		commands[programs++] = argv + i + 1;
	}
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	for (int n = 0; n < count; n++)
		for (int p = 0; p < programs; p++) {
			figures[p][n] = run(commands[p], &quiet);
			if (figures[p][n] < 0) {
				fprintf(stderr, "bench_exec: %s failed\n", commands[p][0]);
				return EXIT_FAILURE;
			}
		}
	for (int p = 0; p < programs; p++) {
		qsort(figures[p], (size_t)count, sizeof(double), compare);
		printf("{\"program\": \"%s\", \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
		    commands[p][0], figures[p][count / 2], figures[p][count * 99 / 100]);
	}
	return EXIT_SUCCESS;
}
