/*
 * testing.c: shared by the unit tests.
 */
#include "testing.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int bus_setup(void **state)
{
	static unsigned number;
	char *name = malloc(64);

	if (!name)
		return -1;
	snprintf(name, 64, "orbus-test-%d-%u", (int)getpid(), number++);
	*state = name;
	return 0;
}

void bus_remove(const char *bus)
{
	static const char *const suffixes[] = {"", ".lanes", ".board"};
	char path[128];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(path, sizeof(path), "/dev/shm/%s%s", bus, suffixes[i]);
		unlink(path);
	}
}

int bus_teardown(void **state)
{
	bus_remove(*state);
	free(*state);
	return 0;
}
