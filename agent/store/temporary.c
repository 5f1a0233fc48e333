/*
 * temporary.c: the names under which files are written until they are whole: new and unpredictable,
 * known as temporary, and known as this process's own.
 */
#include "temporary.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define HEX_DIGITS 16

/*
 * The first half of the random part of this process's temporary names, by which it knows those that
 * others have left behind. Set by the first store_temporary_begin(), before there is another
 * thread.
 */
static uint32_t era;

int store_temporary_begin(void)
{
	if (era == 0 && getrandom(&era, sizeof(era), 0) != (ssize_t)sizeof(era))
		return -EIO;
	return 0;
}

int store_temporary_name(const char *name, char out[STORE_TEMPORARY_BYTES])
{
	uint32_t random;

	if (strlen(name) > STORE_NAME_MAX)
		return -EINVAL;
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	snprintf(out, STORE_TEMPORARY_BYTES, ".%s.%08x%08x.tmp", name, era, random);
	return 0;
}

bool store_is_temporary(const char *name)
{
	size_t n = strlen(name), tail = strlen(".") + HEX_DIGITS + strlen(".tmp");
	const char *at = name + n - tail;

	return n > tail + 1 && name[0] == '.' && at[0] == '.' &&
	       strspn(at + 1, "0123456789abcdef") == HEX_DIGITS &&
	       strcmp(at + 1 + HEX_DIGITS, ".tmp") == 0;
}

bool store_is_left_behind(const char *name)
{
	char own[HEX_DIGITS / 2 + 1];

	snprintf(own, sizeof(own), "%08x", era);
	return store_is_temporary(name) &&
	       memcmp(name + strlen(name) - strlen(".tmp") - HEX_DIGITS, own, HEX_DIGITS / 2) != 0;
}
