/*
 * checkpoint_file.c: what the checkpoint says of the bus and the journal, and how it lies in its
 * file: a fixed head with a checksum, then sections of compressed msgpack.
 */
#include "checkpoint_file.h"
#include "base/calendar.h"
#include "msgpack_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>
#include <zstd_errors.h>

#define CHECKPOINT_MAGIC "ORBSTATE"
/* Marked labels came with version 3: who knows none would write the one's file over the other's. */
#define CHECKPOINT_VERSION     3u
#define STATE_VERSION_UNMARKED 2u
#define PACK_LEVEL             1

struct checkpoint_head {
	char magic[8];
	uint32_t version;
	uint32_t reserved;
	uint64_t length;   /* of what follows */
	uint64_t checksum; /* XXH3-64 of it */
};
static_assert(sizeof(struct checkpoint_head) == 32, "file format");

/* Before the bytes of a section. */
struct section_head {
	uint32_t length;     /* of its document */
	uint32_t compressed; /* of its bytes */
};
static_assert(sizeof(struct section_head) == 8, "file format");

int checkpoint_boot_id(char out[40])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	int err = 0;

	memset(out, 0, 40);
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	if (!fgets(out, 40, f))
		err = -EIO;
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
	return err;
}

void checkpoint_bus_free(struct checkpoint_bus *bus)
{
	free(bus->positions);
	free(bus->counts);
	bus->counts = NULL;
	free(bus->journal.from);
	free(bus->journal.upto);
	free(bus->journal.files);
	bus->positions = bus->journal.from = bus->journal.upto = NULL;
	bus->journal.files = NULL;
	bus->journal.file_count = 0;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void hex_of(const uint8_t id[16], char out[33])
{
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", id[i]);
}

static void put_lanes(struct writer *w, const char *key, const uint64_t *positions, uint32_t count)
{
	writer_array(w, key);
	for (uint32_t i = 0; i < count; i++)
		writer_count(w, NULL, positions[i]);
	writer_end(w);
}

static void put_file(struct writer *w, const struct checkpoint_journal_file *f)
{
	writer_object(w, NULL);
	writer_count(w, "label", f->name.label);
	if (f->name.mark != PERIOD_UNMARKED)
		writer_count(w, "mark", f->name.mark);
	writer_count(w, "part", f->name.part);
	writer_count(w, "start_ns", f->start_ns);
	writer_count(w, "end_ns", f->end_ns);
	writer_count(w, "length", f->length);
	writer_end(w);
}

static void put_journal(struct writer *w, const struct checkpoint_bus *bus)
{
	const struct checkpoint_journal *j = &bus->journal;

	writer_object(w, "journal");
	writer_boolean(w, "on", j->on);
	if (j->from)
		put_lanes(w, "from", j->from, bus->lane_count);
	if (j->upto && !j->on)
		put_lanes(w, "upto", j->upto, bus->lane_count);
	writer_array(w, "files");
	for (size_t i = 0; i < j->file_count; i++)
		put_file(w, &j->files[i]);
	writer_end(w);
	writer_end(w);
}

void checkpoint_bus_write(const struct checkpoint_bus *bus, struct writer *w)
{
	char id[33];

	hex_of(bus->bus_id, id);
	writer_text(w, "bus_id", id);
	writer_text(w, "boot_id", bus->boot_id);
	put_lanes(w, "positions", bus->positions, bus->lane_count);
	if (bus->counts)
		put_lanes(w, "counts", bus->counts, bus->lane_count);
	if (bus->journal.known)
		put_journal(w, bus);
}

struct checkpoint_compressor {
	ZSTD_CCtx *zstd;
};

struct checkpoint_compressor *checkpoint_compressor_new(void)
{
	struct checkpoint_compressor *p = calloc(1, sizeof(*p));

	if (p)
		p->zstd = ZSTD_createCCtx();
	if (p && p->zstd)
		return p;
	free(p);
	return NULL;
}

void checkpoint_compressor_free(struct checkpoint_compressor *p)
{
	if (!p)
		return;
	ZSTD_freeCCtx(p->zstd);
	free(p);
}

int checkpoint_compress(struct checkpoint_compressor *p, const char *document, size_t length,
    char **section, size_t *size)
{
	struct section_head head = {.length = (uint32_t)length};
	size_t compressed, room;
	char *bytes, *shorter;

	if (length > CHECKPOINT_SECTION_BYTES_MAX)
		return -EFBIG;
	room = ZSTD_compressBound(length);
	bytes = malloc(sizeof(head) + room);
	if (!bytes)
		return -ENOMEM;
	compressed =
	    ZSTD_compressCCtx(p->zstd, bytes + sizeof(head), room, document, length, PACK_LEVEL);
	/* There is room for any outcome: memory is all that it can lack. */
	if (ZSTD_isError(compressed)) {
		free(bytes);
		return -ENOMEM;
	}
	head.compressed = (uint32_t)compressed;
	memcpy(bytes, &head, sizeof(head));
	*size = sizeof(head) + compressed;
	shorter = realloc(bytes, *size);
	*section = shorter ? shorter : bytes;
	return 0;
}

size_t checkpoint_uncompressed_length(const char *section)
{
	struct section_head head;

	memcpy(&head, section, sizeof(head));
	return head.length;
}

int checkpoint_begin(struct buffer *file)
{
	const struct checkpoint_head head = {0};

	return buffer_append(file, &head, sizeof(head)) ? 0 : -ENOMEM;
}

int checkpoint_add(struct buffer *file, const char *section, size_t size)
{
	if (size > CHECKPOINT_FILE_BYTES_MAX - file->length)
		return -EFBIG;
	return buffer_append(file, section, size) ? 0 : -ENOMEM;
}

void checkpoint_finish(struct buffer *file, bool has_marks)
{
	struct checkpoint_head head = {
	    .version = has_marks ? CHECKPOINT_VERSION : STATE_VERSION_UNMARKED};

	memcpy(head.magic, CHECKPOINT_MAGIC, sizeof(head.magic));
	head.length = file->length - sizeof(head);
	head.checksum = XXH3_64bits(file->bytes + sizeof(head), head.length);
	memcpy(file->bytes, &head, sizeof(head));
}

/* --- Reading ---------------------------------------------------------------------------------- */

static bool hex_to(const char *text, uint8_t id[16])
{
	if (!text || strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32)
		return false;
	for (int i = 0; i < 16; i++) {
		unsigned byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		id[i] = (uint8_t)byte;
	}
	return true;
}

/* A list of places in lanes, malloc'ed. */
static int lanes_from_json(const json_t *list, uint64_t **out)
{
	const json_t *item;
	size_t i, n = json_array_size(list);

	if (!json_is_array(list) || n > ORBUS_LANES_MAX)
		return -EBADMSG;
	*out = calloc(n + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	json_array_foreach(list, i, item)
	{
		if (!json_is_integer(item) || json_integer_value(item) < 0)
			return -EBADMSG;
		(*out)[i] = (uint64_t)json_integer_value(item);
	}
	return 0;
}

/* One that may be missing, and else is of as many lanes. */
static int more_lanes_from_json(const json_t *list, uint32_t count, uint64_t **out)
{
	if (!list)
		return 0;
	return json_array_size(list) == count ? lanes_from_json(list, out) : -EBADMSG;
}

static int file_from_json(json_t *o, struct checkpoint_journal_file *f)
{
	json_int_t label, part, start, end, length, mark = PERIOD_UNMARKED;
	struct journal_name again;
	char text[JOURNAL_NAME_BYTES];

	if (json_unpack(o, "{s:I,s:I,s:I,s:I,s:I,s?I}", "label", &label, "part", &part, "start_ns",
		&start, "end_ns", &end, "length", &length, "mark", &mark) < 0 ||
	    mark < 0 || mark > UINT32_MAX || label < 0 || label > UINT32_MAX || part < 0 ||
	    part >= JOURNAL_PARTS_MAX || start < 0 || end <= start || length < 0)
		return -EBADMSG;
	*f = (struct checkpoint_journal_file){
	    .name = {.label = (uint32_t)label, .mark = (uint32_t)mark, .part = (uint32_t)part},
	    .start_ns = (uint64_t)start,
	    .end_ns = (uint64_t)end,
	    .length = (uint64_t)length};
	journal_name_format(&f->name, text);
	return journal_name_parse(text, &again) ? 0 : -EBADMSG;
}

static int files_from_json(const json_t *list, struct checkpoint_journal *j)
{
	size_t i, n = json_array_size(list);
	json_t *o;

	if (!json_is_array(list) || n > CHECKPOINT_JOURNAL_FILES_MAX)
		return -EBADMSG;
	j->files = calloc(n + 1, sizeof(*j->files));
	if (!j->files)
		return -ENOMEM;
	json_array_foreach(list, i, o)
	{
		int err = file_from_json(o, &j->files[i]);

		if (err)
			return err;
	}
	j->file_count = n;
	return 0;
}

static int journal_from_json(const json_t *o, struct checkpoint_bus *bus)
{
	struct checkpoint_journal *j = &bus->journal;
	int err;

	j->known = true;
	j->on = json_is_true(json_object_get(o, "on"));
	err = more_lanes_from_json(json_object_get(o, "from"), bus->lane_count, &j->from);
	if (!err)
		err = more_lanes_from_json(json_object_get(o, "upto"), bus->lane_count, &j->upto);
	return err ? err : files_from_json(json_object_get(o, "files"), j);
}

int checkpoint_bus_from_json(const json_t *document, struct checkpoint_bus *bus)
{
	const char *boot = json_string_value(json_object_get(document, "boot_id"));
	const json_t *positions = json_object_get(document, "positions");
	const json_t *journal = json_object_get(document, "journal");
	int err;

	memset(bus, 0, sizeof(*bus));
	if (!hex_to(json_string_value(json_object_get(document, "bus_id")), bus->bus_id) || !boot ||
	    strlen(boot) >= sizeof(bus->boot_id))
		return -EBADMSG;
	strcpy(bus->boot_id, boot);
	err = lanes_from_json(positions, &bus->positions);
	if (err)
		return err;
	bus->lane_count = (uint32_t)json_array_size(positions);
	err = more_lanes_from_json(
	    json_object_get(document, "counts"), bus->lane_count, &bus->counts);
	if (err)
		return err;
	return journal ? journal_from_json(journal, bus) : 0;
}

int checkpoint_open(struct checkpoint_reader *r, const void *bytes, size_t length)
{
	struct checkpoint_head head;

	if (length < sizeof(head) || length > CHECKPOINT_FILE_BYTES_MAX)
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (memcmp(head.magic, CHECKPOINT_MAGIC, sizeof(head.magic)) != 0)
		return -EBADMSG;
	if (head.version < 1 || head.version > CHECKPOINT_VERSION)
		return -EPROTONOSUPPORT;
	r->version = head.version;
	r->at = (const char *)bytes + sizeof(head);
	r->end = (const char *)bytes + length;
	if (head.length != length - sizeof(head) ||
	    head.checksum != XXH3_64bits(r->at, length - sizeof(head)))
		return -EBADMSG;
	return 0;
}

int checkpoint_next(struct checkpoint_reader *r, const char **section, size_t *size)
{
	struct section_head head;

	if (r->at == r->end)
		return 0;
	if ((size_t)(r->end - r->at) < sizeof(head))
		return -EBADMSG;
	memcpy(&head, r->at, sizeof(head));
	if (head.compressed > (size_t)(r->end - r->at) - sizeof(head))
		return -EBADMSG;
	*section = r->at;
	*size = sizeof(head) + head.compressed;
	r->at += *size;
	return 1;
}

/* What the head claims is bounded before any of it is reserved. */
int checkpoint_decompress(const char *section, size_t size, char **document, size_t *length)
{
	struct section_head head;
	const char *compressed = section + sizeof(head);
	size_t n;

	if (size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, section, sizeof(head));
	if (head.compressed != size - sizeof(head) || head.length > CHECKPOINT_SECTION_BYTES_MAX ||
	    ZSTD_getFrameContentSize(compressed, head.compressed) != head.length)
		return -EBADMSG;
	*document = malloc((size_t)head.length + 1);
	if (!*document)
		return -ENOMEM;
	n = ZSTD_decompress(*document, head.length, compressed, head.compressed);
	if (!ZSTD_isError(n) && n == head.length) {
		*length = n;
		return 0;
	}
	free(*document);
	return ZSTD_isError(n) && ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ? -ENOMEM
	                                                                               : -EBADMSG;
}

int checkpoint_next_document(struct checkpoint_reader *r, char **document, size_t *length)
{
	const char *section;
	size_t size;

	if (checkpoint_next(r, &section, &size) != 1)
		return -EBADMSG;
	return checkpoint_decompress(section, size, document, length);
}

int checkpoint_next_json(struct checkpoint_reader *r, json_t **document)
{
	size_t length;
	char *bytes;
	int err;

	if (r->version == 1) {
		*document = json_from_msgpack(r->at, (size_t)(r->end - r->at), DOCUMENT_DEPTH_MAX);
		r->at = r->end;
		return *document ? 0 : -errno;
	}
	err = checkpoint_next_document(r, &bytes, &length);
	if (err)
		return err;
	*document = json_from_msgpack(bytes, length, DOCUMENT_DEPTH_MAX);
	err = *document ? 0 : -errno;
	free(bytes);
	return err;
}
