/*
 * worker.c: one thread for what takes longer than the loop may be held up.
 *
 * `job`, `busy` and `stop` are guarded by `lock`.
 */
#include "worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct worker {
	bool started;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	worker_job_fn *job; /* to be begun; NULL: none */
	void *context;
	bool busy, stop;
};

static void *work(void *argument)
{
	struct worker *w = argument;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		worker_job_fn *job;

		while (!w->job && !w->stop)
			pthread_cond_wait(&w->wake, &w->lock);
		if (!w->job)
			break;
		job = w->job;
		w->job = NULL;
		pthread_mutex_unlock(&w->lock);
		job(w->context);
		pthread_mutex_lock(&w->lock);
		w->busy = false;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct worker *worker_new(void)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	return w;
}

/* Signals are the main thread's business. */
static int start_thread(struct worker *w)
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

int worker_start(struct worker *w, worker_job_fn *job, void *context)
{
	int err = w->started ? 0 : start_thread(w);

	if (err)
		return err;
	pthread_mutex_lock(&w->lock);
	w->job = job;
	w->context = context;
	w->busy = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

bool worker_is_busy(struct worker *w)
{
	bool busy;

	pthread_mutex_lock(&w->lock);
	busy = w->busy;
	pthread_mutex_unlock(&w->lock);
	return busy;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	if (w->started)
		pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
