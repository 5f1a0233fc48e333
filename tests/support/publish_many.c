/*
 * publish_many.c: a bot that publishes as fast as it goes, for tests.
 *
 *   publish_many BUS BOT requests|counts SAMPLES
 *
 * Says "ready" once it has its lane, and begins when standard input ends. A request is two samples,
 * its begin and its end.
 */
#include "orbus.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int publish_request(struct orbus_producer *p)
{
	struct orbus_request request;
	int err = orbus_request_begin(p, &request, "m/c", false);

	request.sample.completion_tokens = 2;
	return err ? err : orbus_request_end(&request, ORBUS_STATUS_OK);
}

static int publish_count(struct orbus_producer *p, const char *name)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_COUNT;
	s.name = name;
	s.value = 1;
	return orbus_publish(p, &s);
}

int main(int argc, char **argv)
{
	long samples = argc == 5 ? atol(argv[4]) : 0;
	bool counts = argc == 5 && strcmp(argv[3], "counts") == 0;
	struct orbus_producer *p;
	int err;

	if (samples < 1)
		return 2;
	err = orbus_producer_open(argv[1], argv[2], &p);
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	for (long i = 0; !err && i < samples; i += counts ? 1 : 2)
		err = counts ? publish_count(p, argv[2]) : publish_request(p);
	if (err)
		fprintf(stderr, "publish_many: %s\n", orbus_strerror(err));
	else
		orbus_producer_close(p);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
