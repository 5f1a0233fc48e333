/*
 * bench_curl_binding.c: what the libcurl binding costs a program, as a ratio of CPU time.
 *
 *   bench_curl_binding [ROUNDS [PAUSE_US]]
 *
 * A server process streams an answer of 10,000 chunks, each as OpenRouter sends them. By turns it
 * is received by plain libcurl, and with the binding; the CPU time (user and system) of the
 * receiving process is compared within each pair, and the median of the ratios is printed. There is
 * no TLS, which would cost both alike. PAUSE_US (50) between chunks makes them come one by one, as
 * tokens do; 0 lets them come in bulk.
 */
#include <orbus_curl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNKS     10000
#define ROUNDS_MAX 101

static const char event_format[] =
    "data: {\"id\":\"gen-1764000000-aBcDeFgHiJkLmNoPqRsT\",\"provider\":\"OpenAI\",\"model\":"
    "\"openai/gpt-4o-mini\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"choices\":[{"
    "\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\" token%d\"},\"finish_reason\":null,"
    "\"native_finish_reason\":null,\"logprobs\":null}],\"system_fingerprint\":\"fp_560af6e559\"}\n\n";
static const char request[] = "{\"model\":\"openai/gpt-4o-mini\",\"stream\":true,\"messages\":[{"
			      "\"role\":\"user\",\"content\":\"Write me a long story.\"}]}";

/* --- The server ------------------------------------------------------------------------------- */

static void send_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		bytes += n;
		length -= (size_t)n;
	}
}

static void send_chunk(int fd, const char *text)
{
	char framed[1024];
	int n = snprintf(framed, sizeof(framed), "%zx\r\n%s\r\n", strlen(text), text);

	send_all(fd, framed, (size_t)n);
}

static void answer(int fd, long pause_us)
{
	const struct timespec pause = {0, pause_us * 1000};
	char text[768], request_bytes[4096];

	if (recv(fd, request_bytes, sizeof(request_bytes), 0) <= 0)
		return;
	snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
	    "Connection: close\r\n\r\n");
	send_all(fd, text, strlen(text));
	for (int i = 0; i < CHUNKS; i++) {
		snprintf(text, sizeof(text), event_format, i);
		send_chunk(fd, text);
		if (pause_us)
			nanosleep(&pause, NULL);
	}
	send_chunk(fd, "data: [DONE]\n\n");
	send_all(fd, "0\r\n\r\n", 5);
}

static void serve(int listener, long pause_us)
{
	for (;;) {
		int one = 1, fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(EXIT_FAILURE);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		answer(fd, pause_us);
		close(fd);
	}
}

static int listen_somewhere(unsigned *port)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 8) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		return -1;
	*port = ntohs(address.sin_port);
	return fd;
}

/* --- The client ------------------------------------------------------------------------------- */

struct answer_seen {
	size_t bytes, pieces;
};

static size_t on_data(char *bytes, size_t size, size_t count, void *data)
{
	struct answer_seen *seen = data;

	(void)bytes;
	seen->bytes += size * count;
	seen->pieces++;
	return size * count;
}

static double cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

/* The CPU time of one transfer; < 0 where it failed. */
static double transfer(struct orbus_producer *bus, const char *url, struct answer_seen *seen)
{
	struct orbus_curl *call = NULL;
	struct orbus_curl_options options = {.request = request};
	double start = cpu_ms();
	CURL *easy = curl_easy_init();
	CURLcode result;

	*seen = (struct answer_seen){0};
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, seen);
	if (bus && orbus_curl_attach(bus, easy, on_data, seen, &options, &call) != 0)
		return -1;
	result = curl_easy_perform(easy);
	orbus_curl_detach(call, result);
	curl_easy_cleanup(easy);
	return result == CURLE_OK ? cpu_ms() - start : -1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return values[n / 2];
}

static int measure(struct orbus_producer *bus, const char *url, int rounds)
{
	double plain[ROUNDS_MAX], measured[ROUNDS_MAX], ratio[ROUNDS_MAX], middle;
	struct answer_seen seen = {0};

	if (transfer(NULL, url, &seen) < 0 || transfer(bus, url, &seen) < 0) /* warm up */
		return -1;
	for (int i = 0; i < rounds; i++) {
		/* The one that comes first has the colder caches. */
		if (i % 2)
			plain[i] = transfer(NULL, url, &seen);
		measured[i] = transfer(bus, url, &seen);
		if (i % 2 == 0)
			plain[i] = transfer(NULL, url, &seen);
		if (plain[i] < 0 || measured[i] < 0)
			return -1;
		ratio[i] = measured[i] / plain[i];
	}
	printf("%d chunks in %zu pieces, %d rounds, CPU time of the receiver\n", CHUNKS,
	    seen.pieces, rounds);
	middle = median(ratio, rounds); /* sorts them */
	printf("ratio     %.3f (%.3f to %.3f)\n", middle, ratio[0], ratio[rounds - 1]);
	printf("plain     %.1f ms\n", median(plain, rounds));
	printf("measured  %.1f ms\n", median(measured, rounds));
	return 0;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 11, listener, err;
	long pause_us = argc > 2 ? atol(argv[2]) : 50;
	struct orbus_producer *bus;
	char name[64], lanes[80], url[64];
	unsigned port;
	pid_t server;

	if (rounds < 1 || rounds > ROUNDS_MAX || pause_us < 0) {
		fprintf(stderr, "usage: bench_curl_binding [ROUNDS (1 to %d) [PAUSE_US]]\n",
		    ROUNDS_MAX);
		return 2;
	}
	listener = listen_somewhere(&port);
	snprintf(name, sizeof(name), "orbus-bench-%d", (int)getpid());
	if (listener < 0 || orbus_producer_open(name, "bench", &bus) != 0)
		return EXIT_FAILURE;
	server = fork();
	if (server == 0)
		serve(listener, pause_us);
	close(listener);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	err = server < 0 ? -1 : measure(bus, url, rounds);
	if (err)
		fprintf(stderr, "bench_curl_binding: a transfer failed\n");
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	orbus_producer_close(bus);
	shm_unlink(name);
	snprintf(lanes, sizeof(lanes), "%s.lanes", name);
	shm_unlink(lanes);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
