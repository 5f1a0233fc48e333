/*
 * curl_setups.h: what a program that uses libcurl in one of its ways can see, for tests.
 *
 * curl_setups.c reads how a program is set up and runs it; curl_watch.c has the program's
 * callbacks, and writes down what libcurl calls them with.
 */
#ifndef CURL_SETUPS_H
#define CURL_SETUPS_H

#include <orbus_curl.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A text that grows. */
struct text {
	char *at;
	size_t used, room;
};

/* Calls of one kind that follow each other: how libcurl cuts the bytes is the network's affair. */
struct event {
	char what[160];
	size_t bytes;
	uint64_t hash;
	bool joins; /* the next call of this kind is one with it */
};

struct events {
	struct event *at;
	size_t count, room;
};

#define SIZES_MAX 4096

/* What a program does in a callback: `action` at call `number` of the callback `name`. */
struct deed {
	char name[32];
	char action[32];
	unsigned number;
};

/* One program. */
struct run {
	bool measured;
	struct orbus_producer *bus;
	CURL *easy, *other;
	CURLM *multi;
	CURLSH *share;
	curl_mime *mime;
	struct curl_httppost *form;
	CURLU *url;
	struct curl_slist *lists[64];
	char *kept[64]; /* texts that libcurl does not copy */
	size_t list_count, kept_count;
	char error[CURL_ERROR_SIZE];
	FILE *files[4];
	char *file_texts[4];
	size_t file_sizes[4];

	/* What orbus must be told. */
	curl_write_callback write_function;
	void *write_data;
	curl_xferinfo_callback xferinfo_function;
	void *xferinfo_data;
	bool shows_progress, has_progress_function;
	struct orbus_curl *call, *other_call;

	/* In callbacks. */
	struct deed deeds[8];
	unsigned deed_count, call_counts[32];
	bool paused;
	const char *upload;
	size_t upload_at;
	struct curl_header *kept_header;
	unsigned hsts_given;

	/* What was seen. */
	struct events calls, debug;
	unsigned sizes[SIZES_MAX];
	size_t size_count;
	char progress[160];
	struct text results, samples;
};

/* The run of this thread, for its callbacks. */
extern _Thread_local struct run *running;

void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_string(struct text *t, const char *string);
void text_add_text(struct text *t, const struct text *more);
void text_add_events(struct text *t, const struct events *events);
void text_add_escaped(struct text *t, const char *bytes, size_t length);

/* The program's callback of a CURLOPT_, NULL where it has none. */
void (*watch_function(const char *option))(void);

/* Data pointers have names. */
void *watch_object(const char *name);
/* noipa: gcc takes the array of all names for one long one, and warns. */
__attribute__((noipa)) const char *watch_name(const void *object);

void watch_detach(struct run *r, CURLcode result);

#endif
