/*
 * worker.c: one thread that carries out operations by plain system calls, so that a disk that
 * stalls never stalls the caller.
 *
 * `op`, `busy` and `stop` are guarded by `lock`. While `busy`, the operation belongs to the thread;
 * the mutex orders its work before the owner's look at the outcome.
 */
#include "worker.h"
#include "posix.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct store_worker {
	int dirfd;
	bool started;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct store_op *op; /* to be carried out; NULL: none */
	bool busy;
	bool stop;
};

static void *work(void *argument)
{
	struct store_worker *w = argument;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct store_op *op;

		while (!w->op && !w->stop)
			pthread_cond_wait(&w->wake, &w->lock);
		if (!w->op)
			break;
		op = w->op;
		w->op = NULL;
		pthread_mutex_unlock(&w->lock);
		store_posix_execute(w->dirfd, op);
		pthread_mutex_lock(&w->lock);
		w->busy = false;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct store_worker *store_worker_new(int dirfd)
{
	struct store_worker *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->dirfd = dirfd;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	return w;
}

/* Signals are the main thread's business. */
static int start_thread(struct store_worker *w)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->started = err == 0;
	return err;
}

void store_worker_start(struct store_worker *w, struct store_op *op)
{
	int err = w->started ? 0 : start_thread(w);

	if (err) {
		/* No thread to be had: it has ended before it began. */
		store_op_fail(op, STORE_STEP_NONE, err);
		return;
	}
	pthread_mutex_lock(&w->lock);
	w->op = op;
	w->busy = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

bool store_worker_finished(struct store_worker *w)
{
	bool finished;

	pthread_mutex_lock(&w->lock);
	finished = !w->busy;
	pthread_mutex_unlock(&w->lock);
	return finished;
}

void store_worker_free(struct store_worker *w)
{
	if (w->started) {
		pthread_mutex_lock(&w->lock);
		w->stop = true;
		pthread_cond_signal(&w->wake);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
	}
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
