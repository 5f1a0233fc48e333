/*
 * boost_queue.cc: boost::interprocess::message_queue.
 */
#include "peer.h"

#include <boost/interprocess/ipc/message_queue.hpp>

namespace ipc = boost::interprocess;

static ipc::message_queue *queue;

static int prepare()
{
	try {
		queue = new ipc::message_queue(ipc::create_only, run_name(), 4096, 256);
		return 0;
	} catch (const ipc::interprocess_exception &) {
		return 1;
	}
}

static void drain()
{
	char bytes[256];
	ipc::message_queue::size_type length;
	unsigned priority;

	for (;;) {
		queue->receive(bytes, sizeof(bytes), length, priority);
		received(bytes, length);
	}
}

static void send()
{
	char bytes[256];
	size_t length = sample_pack(bytes);

	queue->try_send(bytes, length, 0);
}

static void close()
{
	delete queue;
	ipc::message_queue::remove(run_name());
}

extern "C" const struct peer peer_boost_queue = {
    "boost::interprocess::message_queue", prepare, drain, nullptr, send, close, 200000};
