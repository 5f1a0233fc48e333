/*
 * checkpoint_file.c: how the checkpoint lies in its file: a fixed head with a checksum, then
 * sections of compressed msgpack.
 */
#include "checkpoint_file.h"

#include <assert.h>
#include <errno.h>
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

/* --- Writing ---------------------------------------------------------------------------------- */

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

int checkpoint_read_bus(struct checkpoint_reader *r, struct checkpoint_bus *bus)
{
	struct doc_source s;
	char *document;
	size_t length;
	int err;

	memset(bus, 0, sizeof(*bus));
	if (r->version == 1) {
		doc_source_msgpack(&s, r->at, (size_t)(r->end - r->at));
		return checkpoint_bus_read(&s, bus);
	}
	err = checkpoint_next_document(r, &document, &length);
	if (err)
		return err;
	doc_source_msgpack(&s, document, length);
	err = checkpoint_bus_read(&s, bus);
	free(document);
	return err;
}
