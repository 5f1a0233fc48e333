/*
 * slow_path.h: what a call that makes system calls leaves as it was.
 *
 * errno: a signal handler that publishes must not change what the code that it interrupted is about
 * to look at. The thread is also not cancelled during a call, when a lane is claimed and a handle
 * is in use: open(), close() and their like are cancellation points, our functions are none.
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
 * The error that a failed system call gives the caller. EINVAL becomes -ENOSYS: the caller's
 * arguments were checked before, so the kernel or the file system does not know this form of the
 * call.
 */
static inline int system_error(int error)
{
	return error == EINVAL ? -ENOSYS : -error;
}

#endif
