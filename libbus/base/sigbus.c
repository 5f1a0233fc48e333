/*
 * sigbus.c: a shared object that another process truncates must not kill its readers.
 *
 * The handler runs in the thread that looked, in the middle of a load. It calls nothing but mmap(),
 * which in libc is the bare system call, sigaction() and raise().
 */
#include "sigbus.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uintptr_t page_bytes;
static struct sigaction before; /* what the signal did until now */

static void put_zeros_there(int number, siginfo_t *info, void *context)
{
	void *page = (void *)((uintptr_t)info->si_addr & ~(page_bytes - 1));
	int saved = errno;

	(void)context;
	/* Read-only: our stores go to objects of our own, and one that fails must not seem to work.
	 */
	if (info->si_code != BUS_ADRERR ||
	    mmap(page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		MAP_FAILED) {
		sigaction(number, &before, NULL); /* the load is tried again */
		if (info->si_code <= 0)
			raise(number); /* kill() sent it: there is no load */
	}
	errno = saved;
}

void sigbus_reads_zeros(void)
{
	struct sigaction action;

	page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = put_zeros_there;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGBUS, &action, &before);
}
