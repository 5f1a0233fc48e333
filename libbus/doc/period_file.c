/*
 * period_file.c: the files of hours, days and hosts, read back and added up.
 */
#include "period_file.h"
#include "base/clock.h"
#include "document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* O_NONBLOCK: to open a FIFO would wait for its writer. */
static int open_file(const char *path, size_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -ESPIPE;
	else if (st.st_size > DOCUMENT_BYTES_MAX)
		err = -EFBIG;
	*bytes = err ? 0 : (size_t)st.st_size;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* Up to `size` bytes, fewer where there are no more: their number, or a negative errno. */
static ssize_t read_all(int fd, char *to, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = read(fd, to + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

int period_file_read(const char *path, json_t **out)
{
	size_t bytes = 0;
	int fd = open_file(path, &bytes);
	json_error_t error;
	ssize_t length;
	char *text;

	*out = NULL;
	if (fd < 0)
		return fd;
	/* As a whole: json_loadfd() makes a system call for each byte. */
	text = malloc(bytes + 1);
	length = text ? read_all(fd, text, bytes) : -ENOMEM;
	close(fd);
	if (length >= 0)
		*out = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &error);
	free(text);
	if (length < 0)
		return (int)length;
	if (json_is_object(*out))
		return 0;
	json_decref(*out);
	*out = NULL;
	return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
}

static bool time_at(const json_t *period, const char *key, uint64_t *ns)
{
	const char *text = json_string_value(json_object_get(period, key));

	return text && clock_parse_rfc3339(text, ns);
}

/* Widens the merged period by one file's. False: the file does not say what it covers. */
static bool widen(struct document_context *c, const json_t *document)
{
	const json_t *period = json_object_get(document, "period");
	const json_t *in_flight =
	    json_object_get(json_object_get(document, "requests"), "in_flight");
	uint64_t start, end;

	if (!time_at(period, "start", &start) || !time_at(period, "end", &end))
		return false;
	if (start < c->start_ns)
		c->start_ns = start;
	if (end > c->end_ns)
		c->end_ns = end;
	c->complete &= json_is_true(json_object_get(period, "complete"));
	if (json_integer_value(in_flight) > 0)
		c->in_flight = count_add(c->in_flight, (uint64_t)json_integer_value(in_flight));
	return true;
}

void period_sum_init(struct period_sum *sum)
{
	aggregate_init(&sum->stats);
	sum->context = (struct document_context){
	    .period_kind = "merged", .start_ns = UINT64_MAX, .complete = true, .restorable = true};
}

int period_sum_add(struct period_sum *sum, const json_t *document)
{
	struct aggregate one;
	int err;

	aggregate_init(&one);
	err = document_to_aggregate(document, &one, NULL);
	if (!err && !widen(&sum->context, document))
		err = -EBADMSG;
	if (!err && !aggregate_merge(&sum->stats, &one))
		err = -ENOMEM;
	aggregate_free(&one);
	return err;
}

json_t *period_sum_document(struct period_sum *sum)
{
	sum->context.saved_at_ns = clock_realtime_ns();
	return document_from_aggregate(&sum->stats, &sum->context);
}

void period_sum_free(struct period_sum *sum)
{
	aggregate_free(&sum->stats);
}

static int add_file(const char *path, struct period_sum *sum)
{
	json_t *document;
	int err = period_file_read(path, &document);

	if (err)
		return err;
	err = period_sum_add(sum, document);
	json_decref(document);
	return err;
}

int period_files_merge(const char *const *paths, size_t count, json_t **out, size_t *failed)
{
	struct period_sum sum;
	int err = count > 0 ? 0 : -EINVAL;

	*failed = count;
	period_sum_init(&sum);
	for (size_t i = 0; i < count && !err; i++) {
		err = add_file(paths[i], &sum);
		if (err && err != -ENOMEM)
			*failed = i;
	}
	if (!err) {
		*out = period_sum_document(&sum);
		err = *out ? 0 : -ENOMEM;
	}
	period_sum_free(&sum);
	return err;
}
