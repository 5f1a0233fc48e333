/*
 * sockets.c: peers by the kernel's messages: Unix datagrams, a statsd line by UDP, a POSIX queue.
 */
#include "peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int receiver, sender;

static void receive(void)
{
	char bytes[2048];
	ssize_t n;

	while ((n = recv(receiver, bytes, sizeof(bytes), 0)) >= 0)
		received(bytes, (size_t)n);
}

static void close_both(void)
{
	close(receiver);
	close(sender);
}

/* --- Unix datagrams --------------------------------------------------------------------------- */

static int unix_prepare(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		return 1;
	receiver = pair[0];
	sender = pair[1];
	return 0;
}

static void unix_send(void)
{
	char bytes[256];
	size_t length = sample_pack(bytes);

	(void)!send(sender, bytes, length, 0);
}

const struct peer peer_unix_datagram = {
    "Unix datagram", unix_prepare, receive, NULL, unix_send, close_both, 200000};

/* --- statsd ----------------------------------------------------------------------------------- */

static int statsd_prepare(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);

	receiver = socket(AF_INET, SOCK_DGRAM, 0);
	sender = socket(AF_INET, SOCK_DGRAM, 0);
	return bind(receiver, (struct sockaddr *)&a, n) < 0 ||
	       getsockname(receiver, (struct sockaddr *)&a, &n) < 0 ||
	       connect(sender, (struct sockaddr *)&a, n) < 0;
}

/* Its lines have no place for a time. */
static void statsd_receive(void)
{
	char bytes[2048];

	while (recv(receiver, bytes, sizeof(bytes), 0) >= 0)
		received_stamp(0);
}

/* One packet with its figures, as statsd's multi-metric packets have them. */
static void statsd_send(void)
{
	char line[256];
	int length = snprintf(line, sizeof(line),
	    "acore.gpt.response:%g|ms\nacore.gpt.ttft:%g|ms\nacore.gpt.prompt:%d|c\n"
	    "acore.gpt.completion:%d|c\nacore.gpt.cost:%g|c\n",
	    SAMPLE_RESPONSE, SAMPLE_TTFT, SAMPLE_PROMPT, SAMPLE_COMPLETION, SAMPLE_COST);

	(void)!send(sender, line, (size_t)length, 0);
}

const struct peer peer_statsd = {
    "statsd line by UDP", statsd_prepare, statsd_receive, NULL, statsd_send, close_both, 200000};

/* --- POSIX message queue ---------------------------------------------------------------------- */

static mqd_t queue;
static char queue_name[64];

static int mq_prepare(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = 256};

	snprintf(queue_name, sizeof(queue_name), "/%s", run_name());
	queue = mq_open(queue_name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	return queue == (mqd_t)-1;
}

static void mq_drain(void)
{
	char bytes[256];
	ssize_t n;

	while ((n = mq_receive(queue, bytes, sizeof(bytes), NULL)) >= 0)
		received(bytes, (size_t)n);
}

static void mq_send_one(void)
{
	char bytes[256];
	size_t length = sample_pack(bytes);

	(void)mq_send(queue, bytes, length, 0);
}

static void mq_end(void)
{
	mq_close(queue);
	mq_unlink(queue_name);
}

const struct peer peer_mqueue = {
    "POSIX message queue", mq_prepare, mq_drain, NULL, mq_send_one, mq_end, 200000};
