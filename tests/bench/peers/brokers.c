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
	int unlimited = 0;
	void *own = zmq_ctx_new(), *from = zmq_socket(own, type);

	zeromq_address(address);
	zmq_setsockopt(from, ZMQ_RCVHWM, &unlimited, sizeof(unlimited));
	if (type == ZMQ_SUB)
		zmq_setsockopt(from, ZMQ_SUBSCRIBE, "", 0);
	zmq_connect(from, address);
	while (zmq_recv(from, bytes, sizeof(bytes), 0) >= 0)
		continue;
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

static int redis_start(void)
{
	char path[96];

	snprintf(path, sizeof(path), "/tmp/%s.redis", run_name());
	server = fork();
	if (server == 0) {
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path,
		    "--save", "", "--appendonly", "no", "--loglevel", "warning", "--logfile",
		    "/dev/null", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 100 && !redis; i++) {
		usleep(20000);
		redis = redisConnectUnix(path);
		if (redis && redis->err) {
			redisFree(redis);
			redis = NULL;
		}
	}
	return redis == NULL;
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
	redisFree(redis);
	redis = NULL;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

const struct peer peer_redis = {
    "Redis XADD", NULL, NULL, redis_start, redis_send, redis_stop, 50000};
const struct peer peer_redis_pipeline = {"Redis XADD, pipelined by 100", NULL, NULL, redis_start,
    redis_send_pipelined, redis_stop, 200000};
