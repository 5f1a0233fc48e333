/*
 * call.c: a bot of its own that calls a model through libcurl, measured. bindings/curl/README.md
 * shows its middle.
 *
 *   call URL BUS      prints how many bytes came to its own callback
 */
#include <orbus_curl.h>
#include <stdio.h>
#include <stdlib.h>

static const char body[] =
    "{\"model\":\"openai/gpt-4\",\"stream\":true,"
    "\"messages\":[{\"role\":\"user\",\"content\":\"Why is the sky blue?\"}]}";

static size_t on_data(char *bytes, size_t size, size_t count, void *mine)
{
	(void)bytes;
	*(size_t *)mine += size * count;
	return size * count;
}

int main(int argc, char **argv)
{
	struct orbus_producer *bus;
	struct orbus_curl *call;
	CURL *easy = curl_easy_init();
	CURLcode result;
	size_t mine = 0;

	if (argc != 3 || !easy || orbus_producer_open(argv[2], "my-bot", &bus) != 0)
		return EXIT_FAILURE;
	curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &mine);

	orbus_curl_attach(
	    bus, easy, on_data, &mine, &(struct orbus_curl_options){.request = body}, &call);
	result = curl_easy_perform(easy);
	orbus_curl_detach(call, result);

	printf("%zu\n", mine);
	curl_easy_cleanup(easy);
	orbus_producer_close(bus);
	return result == CURLE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
