/*
 * period_scan.c: the index of periods, made of the data folder's files.
 *
 * A file says what it covers in its first few hundred bytes: of a thousand files no more is read.
 */
#include "period_scan.h"
#include "base/clock.h"
#include "base/file_name.h"
#include "doc/json_in.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 1024

static void take_time(struct json_cursor *c, uint64_t *ns)
{
	char copy[RFC3339_BYTES];
	struct json_text text;

	json_cursor_text(c, &text);
	if (c->failed || !json_text_copy(&text, copy, sizeof(copy)) ||
	    !clock_parse_rfc3339(copy, ns))
		c->failed = true;
}

static bool read_period(struct json_cursor *c, struct period_span *out)
{
	struct json_text key;

	json_cursor_open(c, '{');
	while (json_cursor_member(c, &key)) {
		if (json_text_is(&key, "start"))
			take_time(c, &out->start_ns);
		else if (json_text_is(&key, "end"))
			take_time(c, &out->end_ns);
		else
			json_cursor_skip(c);
	}
	return !c->failed && out->start_ns < out->end_ns;
}

/* What lies behind the head is not looked at: the cursor fails where that ends. */
static bool read_head(const char *head, size_t length, struct period_span *out)
{
	struct json_cursor c;
	struct json_text key;

	json_cursor_init(&c, head, length);
	json_cursor_open(&c, '{');
	while (json_cursor_member(&c, &key)) {
		if (json_text_is(&key, "period"))
			return read_period(&c, out);
		json_cursor_skip(&c);
	}
	return false;
}

/* A pipe of that name is not waited for. */
static bool read_file(int folder_fd, const char *name, struct period_span *out)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char head[HEAD_BYTES];
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = pread(fd, head, sizeof(head), 0);
	close(fd);
	return n > 0 && read_head(head, (size_t)n, out);
}

static int enter(int folder_fd, struct periods *p, const char *name)
{
	struct period_span span = {0};
	struct file_name says;
	int err;

	if (!file_name_parse(name, &says) || says.file == PERIOD_FILE_OTHER ||
	    !read_file(folder_fd, name, &span))
		return 0;
	span.kind = says.file == PERIOD_FILE_DAILY ? PERIOD_DAILY : PERIOD_HOURLY;
	span.label = says.label;
	span.mark = says.mark;
	err = period_index_add(&p->index[span.kind], &span, NULL);
	return err == -ENOMEM ? err : 0;
}

int period_scan(int folder_fd, struct periods *p)
{
	int err = 0, fd = -1;
	struct dirent *entry;
	DIR *dir;

	if (p->indexed)
		return 0;
	fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		err = fd < 0 ? -errno : -ENOMEM;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (errno = 0, entry = readdir(dir)))
		err = enter(folder_fd, p, entry->d_name);
	if (!err && errno)
		err = -errno;
	closedir(dir);
	p->indexed = !err;
	return err;
}
