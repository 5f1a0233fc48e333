/*
 * error.c: errors in words that name the remedy.
 */
#include "orbus.h"

#include <errno.h>
#include <string.h>

const char *orbus_version(void)
{
	return ORBUS_VERSION;
}

const char *orbus_strerror(int error)
{
	switch (error < 0 ? -error : error) {
	case 0: return "success";
	case ENOENT: return "no such bus: start oragent or a bot, or name another";
	case EBADMSG: return "not an orbus bus, or a damaged one: remove it, or name another";
	case EPROTONOSUPPORT:
		return "the bus has a layout that this version of orbus does not know: "
		       "use the same version of orbus everywhere";
	case EUSERS:
		return "all lanes of the bus are taken: close some producers, or make the bus anew "
		       "with more lanes";
	case ENOSPC: return "no room left in shared memory: enlarge /dev/shm, or use smaller lanes";
	case EACCES:
		return "permission denied: the bus belongs to another user; see oragent --mode and "
		       "--group";
	case EKEYREJECTED:
		return "the bus's ring, lock object or board belongs to a user who is not trusted: "
		       "remove it, or name its owner in $ORBUS_OWNER";
	case ESRCH:
		return "$ORBUS_OWNER names no user of this machine: give a user's name or number";
	case EBUSY:
		return "another program keeps the bus's lock object, NAME.lanes, locked: "
		       "lslocks or fuser tell which; stop it";
	case EALREADY:
		return "the handle is in use, by another thread or by the call that a signal "
		       "handler interrupted: open one for each thread and each handler";
	case ENOBUFS:
		return "this program has as many producers and readers open as it may: close some";
	case EMFILE:
		return "too many open files in this program: close some, or raise its limit "
		       "(ulimit -n)";
	case EEXIST:
		return "the bus exists with another shape: stop its producers and remove it, or "
		       "leave lanes, slots and slot bytes as they are";
	case EPERM:
		return "not permitted: a sandbox (seccomp) or a security module denies a system "
		       "call that orbus needs, or the bus belongs to another user; see oragent "
		       "--mode and --group";
	case ENOSYS:
		return "the kernel lacks, or a sandbox denies, a system call that orbus needs, or "
		       "a form of it (Linux 4.14): madvise with MADV_DONTFORK and MADV_WIPEONFORK, "
		       "O_TMPFILE, open file description locks, fallocate, getrandom, /proc";
	case EINVAL:
		return "invalid argument: see the function's documentation for what is allowed";
	case ENAMETOOLONG: return "the bus name is too long";
	case EILSEQ: return "a text is not valid UTF-8";
	case EDOM:
		return "a figure is infinite, not a number, or negative, which only a gauge may be";
	case EMSGSIZE: return "the sample is larger than a slot: shorten its texts or tags";
	case ENOTSUP: return "a bus must lie on a tmpfs such as /dev/shm or /run";
	case ENOMEM: return "out of memory";
	case EINTR: return "interrupted by a signal";
	case EAGAIN:
		return "the bus is being made anew, or nearly all of its lanes are taken: try again";
	default:
		return strerrordesc_np(error < 0 ? -error : error)
		           ? strerrordesc_np(error < 0 ? -error : error)
		           : "unknown error";
	}
}
