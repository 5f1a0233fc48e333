/*
 * brokers.c: peers by a messaging library or a server: ZeroMQ, Redis streams.
 *
 * Redis is started for the run, on a Unix socket; no other server is touched.
 */
#include "peer.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

/* --- ZeroMQ ----------------------------------------------------------------------------------- */

static void *context, *socket_;

static void zeromq_address(char out[96])
{
	snprintf(out, 96, "ipc:///tmp/%s.zmq", run_name());
}

static int zeromq_bind(int type)
{
	char address[96];
	int unlimited = 0;

	zeromq_address(address);
	context = zmq_ctx_new();
	socket_ = zmq_socket(context, type);
	zmq_setsockopt(socket_, ZMQ_SNDHWM, &unlimited, sizeof(unlimited));
	if (zmq_bind(socket_, address) != 0)
		return 1;
	usleep(300000); /* until the reader has connected */
	return 0;
}

static void zeromq_receive(int type)
{
	char address[96], bytes[512];
	int n, unlimited = 0;
	void *own = zmq_ctx_new(), *from = zmq_socket(own, type);

	zeromq_address(address);
	zmq_setsockopt(from, ZMQ_RCVHWM, &unlimited, sizeof(unlimited));
	if (type == ZMQ_SUB)
		zmq_setsockopt(from, ZMQ_SUBSCRIBE, "", 0);
	zmq_connect(from, address);
	while ((n = zmq_recv(from, bytes, sizeof(bytes), 0)) >= 0)
		received(bytes, (size_t)n);
}

static void zeromq_send(void)
{
	char bytes[256];
	size_t length = sample_pack(bytes);

	zmq_send(socket_, bytes, length, 0);
}

static void zeromq_close(void)
{
	char address[96];
	int none = 0;

	zmq_setsockopt(socket_, ZMQ_LINGER, &none, sizeof(none));
	zmq_close(socket_);
	/* Not zmq_ctx_term(), which may wait for ever for a reader that was killed. */
	zmq_ctx_shutdown(context);
	zeromq_address(address);
	unlink(address + sizeof("ipc://") - 1);
}

static int push_connect(void)
{
	return zeromq_bind(ZMQ_PUSH);
}

static void pull(void)
{
	zeromq_receive(ZMQ_PULL);
}

static int pub_connect(void)
{
	return zeromq_bind(ZMQ_PUB);
}

static void subscribe(void)
{
	zeromq_receive(ZMQ_SUB);
}

const struct peer peer_zeromq_push = {
    "ZeroMQ PUSH/PULL, ipc", NULL, pull, push_connect, zeromq_send, zeromq_close, 200000};
const struct peer peer_zeromq_pub = {
    "ZeroMQ PUB/SUB, ipc", NULL, subscribe, pub_connect, zeromq_send, zeromq_close, 200000};

/* --- Redis ------------------------------------------------------------------------------------ */

#define PIPELINE 100

static pid_t server;
static redisContext *redis;
static unsigned queued;

static void redis_path(char out[96])
{
	snprintf(out, 96, "/tmp/%s.redis", run_name());
}

static int redis_start(void)
{
	char path[96];

	redis_path(path);
	server = fork();
	if (server != 0)
		return server < 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "",
	    "--appendonly", "no", "--loglevel", "warning", "--logfile", "/dev/null", (char *)NULL);
	_exit(127);
}

static int redis_connect(void)
{
	char path[96];

	redis_path(path);
	for (int i = 0; i < 100; i++) {
		redis = redisConnectUnix(path);
		if (redis && !redis->err)
			return 0;
		redisFree(redis);
		redis = NULL;
		usleep(20000);
	}
	return 1;
}

/* The value of the one field of each entry. */
static void redis_entries(const redisReply *entries)
{
	for (size_t i = 0; i < entries->elements; i++) {
		const redisReply *field = entries->element[i]->element[1]->element[1];

		received(field->str, field->len);
	}
}

static void redis_drain(void)
{
	char last[64] = "0";

	if (redis_connect() != 0)
		return;
	for (;;) {
		redisReply *reply =
		    redisCommand(redis, "XREAD COUNT 1000 BLOCK 0 STREAMS samples %s", last);

		if (!reply)
			return;
		if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1) {
			const redisReply *entries = reply->element[0]->element[1];

			redis_entries(entries);
			snprintf(last, sizeof(last), "%s",
			    entries->element[entries->elements - 1]->element[0]->str);
		}
		freeReplyObject(reply);
	}
}

static void redis_append(void)
{
	char bytes[256];
	size_t length = sample_pack(bytes);

	redisAppendCommand(redis, "XADD samples MAXLEN ~ 10000 * s %b", bytes, length);
}

static void redis_reply(void)
{
	void *reply = NULL;

	redisGetReply(redis, &reply);
	if (reply)
		freeReplyObject(reply);
}

static void redis_send(void)
{
	redis_append();
	redis_reply();
}

static void redis_send_pipelined(void)
{
	redis_append();
	if (++queued < PIPELINE)
		return;
	for (; queued > 0; queued--)
		redis_reply();
}

static void redis_stop(void)
{
	char path[96];

	redisFree(redis);
	redis = NULL;
	queued = 0;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	redis_path(path);
	unlink(path);
}

const struct peer peer_redis = {
    "Redis XADD", redis_start, redis_drain, redis_connect, redis_send, redis_stop, 20000};
const struct peer peer_redis_pipeline = {"Redis XADD, pipelined by 100", redis_start, redis_drain,
    redis_connect, redis_send_pipelined, redis_stop, 200000};
