/*
 * worker.h: one thread for what takes longer than the loop may be held up.
 *
 * It does one job at a time. While a job is under way, all that it was given belongs to it; when
 * worker_is_busy() has said that it is over, that belongs to the caller again. The mutex behind
 * both orders what either has written. The thread is made for the first job and sleeps between two.
 * It is not for files: the store has a worker of its own.
 */
#ifndef ORBUS_AGENT_COMMON_WORKER_H
#define ORBUS_AGENT_COMMON_WORKER_H

#include <stdbool.h>

struct worker;

typedef void worker_job_fn(void *context);

/* NULL: out of memory. */
struct worker *worker_new(void);

/* Starts a job; none may be under way. 0, or a negative errno where no thread is to be had. */
int worker_start(struct worker *w, worker_job_fn *job, void *context);

bool worker_is_busy(struct worker *w);

/* Waits for the job that is under way. NULL is allowed. */
void worker_free(struct worker *w);

#endif
