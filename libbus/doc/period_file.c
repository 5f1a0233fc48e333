/*
 * period_file.c: the files of hours, days and hosts, read back and added up.
 */
#include "period_file.h"
#include "base/clock.h"
#include "base/read_all.h"
#include "doc_read.h"

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

/* Its text, malloc'ed, or a negative errno. As a whole: json_loadfd() makes a system call for each
 * byte. */
static ssize_t read_text(const char *path, char **text)
{
	size_t bytes = 0;
	int fd = open_file(path, &bytes);
	ssize_t length;

	*text = NULL;
	if (fd < 0)
		return fd;
	*text = malloc(bytes + 1);
	length = *text ? read_all(fd, *text, bytes) : -ENOMEM;
	close(fd);
	return length;
}

int period_file_read(const char *path, json_t **out)
{
	json_error_t error;
	char *text;
	ssize_t length = read_text(path, &text);

	*out = NULL;
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

/* Widens the merged period by one file's. */
static void widen(struct document_context *c, const struct document_period *period)
{
	if (period->start_ns < c->start_ns)
		c->start_ns = period->start_ns;
	if (period->end_ns > c->end_ns)
		c->end_ns = period->end_ns;
	c->complete &= period->complete;
	c->in_flight = count_add(c->in_flight, period->in_flight);
}

void period_sum_init(struct period_sum *sum)
{
	aggregate_init(&sum->stats);
	sum->context = (struct document_context){
	    .period_kind = "merged", .start_ns = UINT64_MAX, .complete = true, .restorable = true};
}

int period_sum_add(struct period_sum *sum, const char *text, size_t length)
{
	struct document_period period;
	struct aggregate one;
	int err;

	aggregate_init(&one);
	err = document_from_text(text, length, DOCUMENT_ALL, &period, NULL, &one);
	/* It must say what it covers. */
	if (!err && !period.kind[0])
		err = -EBADMSG;
	if (!err && !aggregate_merge(&sum->stats, &one))
		err = -ENOMEM;
	if (!err)
		widen(&sum->context, &period);
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
	char *text;
	ssize_t length = read_text(path, &text);
	int err = length < 0 ? (int)length : period_sum_add(sum, text, (size_t)length);

	free(text);
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
