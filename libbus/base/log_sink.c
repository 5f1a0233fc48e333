/*
 * log_sink.c: where lines of a log go: standard error, syslog or the systemd journal.
 *
 * Both daemons take a line as one datagram, whose forms are public and do not change: RFC 3164 as
 * syslog(3) writes it, and the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL). They
 * are sent here and not by syslog() and sd_journal_send(), since neither of these reports
 * that the daemon is not there, and both wait without end for one that takes nothing.
 */
#include "log_sink.h"
#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FACILITY_DAEMON 3
#define PATIENCE_MS     100
#define ASK_EVERY_MS    200
#define HEAD_BYTES      256

struct log_sink {
	enum log_target target;
	const char *identifier;
	bool (*goes_on)(void); /* NULL: a line waits for PATIENCE_MS */
	bool bare;
	int fd;        /* connected to the daemon, or -1 */
	bool stalled;  /* the last line waited, and the daemon did not take it */
	bool diverted; /* it was said that lines go to standard error */
	unsigned long diverted_lines;
};

static const struct {
	const char *name, *path;
} daemons[] = {
    [LOG_TARGET_SYSLOG] = {"syslog", "/dev/log"},
    [LOG_TARGET_JOURNALD] = {"journald", "/run/systemd/journal/socket"},
};

const char *log_level_word(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR: return "ERROR";
	case LOG_LEVEL_WARNING: return "WARNING";
	case LOG_LEVEL_INFO: return "INFO";
	case LOG_LEVEL_DEBUG: return "DEBUG";
	}
	return "";
}

struct log_sink *log_sink_open(enum log_target target, const char *identifier)
{
	struct log_sink *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->target = target;
	s->identifier = identifier;
	s->fd = -1;
	return s;
}

static void disconnect(struct log_sink *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->stalled = false;
}

void log_sink_close(struct log_sink *s)
{
	if (s)
		disconnect(s);
	free(s);
}

void log_sink_be_patient(struct log_sink *s, bool (*goes_on)(void))
{
	s->goes_on = goes_on;
}

void log_sink_be_bare(struct log_sink *s)
{
	s->bare = true;
}

/* --- Standard error --------------------------------------------------------------------------- */

static void put_stderr(const struct log_sink *s, enum log_level level, const char *text)
{
	char now[RFC3339_BYTES];

	if (s->bare) {
		fprintf(stderr, "%s\n", text);
		return;
	}
	clock_format_rfc3339_local(clock_realtime_ns(), false, now);
	fprintf(stderr, "%s %s %s - %s\n", now, s->identifier, log_level_word(level), text);
}

/* --- Datagrams -------------------------------------------------------------------------------- */

static int connect_daemon(struct log_sink *s)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int err, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	strcpy(address.sun_path, daemons[s->target].path);
	err = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	if (err)
		close(fd);
	else
		s->fd = fd;
	return err;
}

/* Waits until the daemon takes something. False: not within the time that this line may wait. */
static bool wait_for_daemon(struct log_sink *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};

	if (!s->goes_on)
		return !s->stalled && poll(&p, 1, PATIENCE_MS) > 0;
	while (s->goes_on())
		if (poll(&p, 1, ASK_EVERY_MS) > 0)
			return true;
	return false;
}

/* Sends a datagram over the open connection: 0 or a negative errno. */
static int send_connected(struct log_sink *s, const struct msghdr *message)
{
	for (;;) {
		if (sendmsg(s->fd, message, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		if (!wait_for_daemon(s))
			return -EAGAIN;
	}
}

/* A daemon that was started anew has another socket by the same name. */
static int send_datagram(struct log_sink *s, const struct msghdr *message)
{
	bool is_fresh = s->fd < 0;
	int err = is_fresh ? connect_daemon(s) : 0;

	if (!err)
		err = send_connected(s, message);
	if (err && err != -EAGAIN && err != -EMSGSIZE && !is_fresh) {
		disconnect(s);
		err = connect_daemon(s);
		if (!err)
			err = send_connected(s, message);
	}
	if (err && err != -EAGAIN && err != -EMSGSIZE)
		disconnect(s);
	else
		s->stalled = err == -EAGAIN;
	return err;
}

/* "<30>Nov 28 21:04:05 oragent[4711]: ": the names of months are those of the C locale. */
static int syslog_head(const struct log_sink *s, enum log_level level, char head[HEAD_BYTES])
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = time(NULL);
	struct tm tm = {0};

	localtime_r(&now, &tm);
	return snprintf(head, HEAD_BYTES,
	    "<%d>%.3s %2d %02d:%02d:%02d %.64s[%d]: ", FACILITY_DAEMON << 3 | (int)level,
	    months + (ptrdiff_t)3 * tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    s->identifier, (int)getpid());
}

static int journal_head(const struct log_sink *s, enum log_level level, char head[HEAD_BYTES])
{
	return snprintf(head, HEAD_BYTES,
	    "PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=%.64s\nSYSLOG_PID=%d\nMESSAGE=",
	    (int)level, FACILITY_DAEMON, s->identifier, (int)getpid());
}

static struct iovec part(const char *text, size_t length)
{
	return (struct iovec){(void *)(uintptr_t)text, length};
}

static int put_daemon(
    struct log_sink *s, enum log_level level, const char *text, const char *fields)
{
	bool journal = s->target == LOG_TARGET_JOURNALD;
	char head[HEAD_BYTES];
	int length = journal ? journal_head(s, level, head) : syslog_head(s, level, head);
	struct iovec parts[] = {part(head, (size_t)length), part(text, strlen(text)),
	    part("\n", journal), part(fields, journal && fields ? strlen(fields) : 0)};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 4};

	return send_datagram(s, &message);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static void say_diverted(struct log_sink *s, int err)
{
	char text[256];

	if (s->diverted)
		return;
	s->diverted = true;
	snprintf(text, sizeof(text), "%s%s%s (%s): logging to standard error until it can be",
	    err == -EAGAIN ? "" : "cannot reach ", daemons[s->target].name,
	    err == -EAGAIN ? " takes no lines" : "",
	    err == -EAGAIN ? "it is busy or stopped" : strerror(-err));
	if (s->bare)
		fprintf(stderr, "%s: WARNING - %s\n", s->identifier, text);
	else
		put_stderr(s, LOG_LEVEL_WARNING, text);
}

static void say_returned(struct log_sink *s)
{
	char text[128];

	if (!s->diverted)
		return;
	snprintf(text, sizeof(text),
	    "%s%s can be reached again: %lu lines went to standard error meanwhile",
	    s->bare ? "WARNING - " : "", daemons[s->target].name, s->diverted_lines);
	s->diverted = false;
	s->diverted_lines = 0;
	(void)put_daemon(s, LOG_LEVEL_WARNING, text, NULL);
}

void log_sink_put(struct log_sink *s, enum log_level level, const char *text, const char *fields)
{
	int err;

	if (s->target == LOG_TARGET_STDERR) {
		put_stderr(s, level, text);
		return;
	}
	err = put_daemon(s, level, text, fields);
	if (!err) {
		say_returned(s);
		return;
	}
	/* A line that is too long for a datagram says nothing about the daemon. */
	if (err != -EMSGSIZE) {
		say_diverted(s, err);
		s->diverted_lines++;
	}
	put_stderr(s, level, text);
}
