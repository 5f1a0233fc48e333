/*
 * main.c: oragent, the persistence agent.
 */
#include "agent.h"
#include "sigbus.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static void on_signal(int number)
{
	if (number == SIGUSR1)
		agent_snapshot = 1;
	else if (number == SIGHUP)
		agent_reload = 1;
	else if (agent_stop < 2)
		agent_stop++;
}

static void catch_signals(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

int main(int argc, char **argv)
{
	struct config config;
	struct log *log;
	int status = config_read(argc, argv, &config);

	if (status >= 0)
		return status;
	log = log_open(config.log_target, config.log_level);
	if (log) {
		sigbus_reads_zeros();
		catch_signals();
		status = agent_run(&config, log);
	} else {
		fputs("oragent: out of memory\n", stderr);
		status = 1;
	}
	log_close(log);
	config_free(&config);
	return status;
}
