/*
 * stop.c: SIGINT and SIGTERM as a question that a program asks when it can.
 */
#include "stop.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t asked;

static void remember(int number)
{
	(void)number;
	asked = 1;
}

void stop_on_signals(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = remember;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool is_stop_asked(void)
{
	return asked;
}
