/*
 * slow_path.h: what a call that makes system calls leaves as it was.
 *
 * errno: a signal handler that publishes must not change what the code that it interrupted is about
 * to look at. And the thread is not cancelled amid a call, with a lane claimed and a handle in use:
 * open(), close() and their like are cancellation points, our functions are none.
 */
#ifndef ORBUS_RING_SLOW_PATH_H
#define ORBUS_RING_SLOW_PATH_H

#include <errno.h>
#include <pthread.h>

struct slow_path {
	int error, cancel_state;
};

static inline struct slow_path slow_path_begin(void)
{
	struct slow_path s = {.error = errno};

	if (pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &s.cancel_state) != 0)
		s.cancel_state = PTHREAD_CANCEL_ENABLE;
	return s;
}

static inline void slow_path_end(struct slow_path s)
{
	(void)pthread_setcancelstate(s.cancel_state, &s.cancel_state);
	errno = s.error;
}

/*
 * What a system call's failure is to the caller. EINVAL would speak of the caller's arguments,
 * which were looked at before: here the kernel, or the file system, knows no such form of the call.
 */
static inline int system_error(int error)
{
	return error == EINVAL ? -ENOSYS : -error;
}

#endif
