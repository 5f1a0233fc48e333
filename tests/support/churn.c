/*
 * churn.c: many short-lived bots, one after another or some at a time, half of which die badly.
 *
 *   churn BUS BOTS AT_A_TIME
 *
 * Each claims a lane, publishes a begin and a request, and exits without giving anything back;
 * every second one is killed by SIGKILL instead.
 */
#include "orbus.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void live(const char *bus, int number)
{
	struct orbus_producer *p;
	struct orbus_request request;

	if (orbus_producer_open(bus, "short-lived", &p) != 0)
		_exit(2);
	if (orbus_request_begin(p, &request, "openai/gpt-4", false) != 0 ||
	    orbus_request_end(&request, ORBUS_STATUS_OK) != 0)
		_exit(3);
	if (number % 2)
		raise(SIGKILL);
	_exit(0);
}

static int reap(void)
{
	int status;

	wait(&status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

int main(int argc, char **argv)
{
	int bots = argc == 4 ? atoi(argv[2]) : 0, at_a_time = argc == 4 ? atoi(argv[3]) : 0;
	int alive = 0, failed = 0;

	if (bots < 1 || at_a_time < 1)
		return 2;
	for (int i = 0; i < bots; i++) {
		pid_t bot = fork();

		if (bot == 0)
			live(argv[1], i);
		if (++alive == at_a_time) {
			failed += reap() != 0;
			alive--;
		}
	}
	for (; alive > 0; alive--)
		failed += reap() != 0;
	printf("%d bots, %d failed\n", bots, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
