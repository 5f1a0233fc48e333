/*
 * example.c: a program outside orbus's tree, built against the installed library. libbus/README.md
 * shows its middle.
 */
#include <orbus.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct orbus_producer *bus;
	struct orbus_request call;
	int err = orbus_producer_open(argc > 1 ? argv[1] : NULL, "my-bot", &bus);

	if (err) {
		fprintf(stderr, "%s\n", orbus_strerror(err));
		return 1;
	}
	orbus_request_begin(bus, &call, "openai/gpt-4", true); /* starts the clock */
	orbus_request_first_token(&call);                      /* when the first token is there */
	call.sample.prompt_tokens = 225;
	call.sample.completion_tokens = 287;
	err = orbus_request_end(&call, ORBUS_STATUS_OK); /* stops it and publishes */
	orbus_producer_close(bus);
	return err ? 1 : 0;
}
