/*
 * main.c: oragent, the persistence agent.
 */
#include "agent.h"
#include "agent/common/run_time.h"
#include "base/sigbus.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static struct itimerval stop_within;

static void on_signal(int number)
{
	if (number == SIGUSR1) {
		agent_snapshot = 1;
	} else if (number == SIGHUP) {
		agent_reload = 1;
	} else if (agent_stop < 2) {
		/* A bare system call on Linux, so fit for a handler. */
		if (agent_stop == 0)
			(void)setitimer(ITIMER_REAL, &stop_within, NULL);
		agent_stop++;
	}
}

/*
 * The time for stopping is over. The loop ends before that by itself; this is for when it does not
 * get there: in the middle of reading a large checkpoint, or in a system call of a disk that hangs.
 */
static void on_time_over(int number)
{
	static const char text[] =
	    "oragent: ended in the middle of its work, since it was told to stop; nothing is lost, "
	    "the next agent goes on from the last checkpoint\n";

	(void)number;
	if (agent_status != 0 && write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(agent_status);
	_exit(agent_status);
}

static void catch_signals(unsigned stop_ms)
{
	struct sigaction action;

	stop_within.it_value.tv_sec = stop_ms / 1000;
	stop_within.it_value.tv_usec = stop_ms % 1000 * 1000;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	action.sa_handler = on_time_over;
	sigaction(SIGALRM, &action, NULL);
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
		catch_signals(config.stop_ms);
		status = agent_run(&config, log);
	} else {
		fputs("oragent: out of memory\n", stderr);
		status = 1;
	}
	log_close(log);
	config_free(&config);
	return status;
}
