/*
 * publish_sealed.c: publishes with every system call forbidden but those that orbus.h names: one
 * look a second whether the bus still exists, and one wake-up a quarter of a lane. Any other kills
 * the process.
 *
 *   publish_sealed BUS COUNT
 *
 * With a COUNT below a quarter of the lane the wake-up is forbidden as well.
 */
#include "orbus.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define QUARTER 1024

#define ALLOW(number)                                      \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), \
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int seal(unsigned long wake)
{
	struct sock_filter filter[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    ALLOW(SYS_newfstatat), /* the look */
	    ALLOW(SYS_lstat),
	    ALLOW(SYS_clock_gettime), /* only where the machine has no vDSO clock */
	    ALLOW((unsigned)wake),
	    ALLOW(SYS_exit_group),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	const struct orbus_tag tags[] = {{"user", "ann"}};
	struct orbus_producer *p;
	struct orbus_sample s;
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (count == 0 || orbus_producer_open(argv[1], "sealed", &p) != 0) {
		fputs("usage: publish_sealed BUS COUNT\n", stderr);
		return 2;
	}
	orbus_sample_init(&s);
	s.model = "openai/gpt-4";
	s.response_ms = 3450;
	s.error_message = "texts and tags too";
	s.tags = tags;
	s.tag_count = 1;
	if (seal(count < QUARTER ? SYS_exit_group : SYS_futex) < 0)
		return 3;
	for (unsigned long i = 0; i < count; i++)
		if (orbus_publish(p, &s) != 0)
			_exit(1);
	_exit(0);
}
