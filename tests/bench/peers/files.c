/*
 * files.c: peers on the disk: a line of JSON, with and without fdatasync(), and a row in SQLite.
 */
#include "peer.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[96];
static int file;

static int file_connect(void)
{
	snprintf(path, sizeof(path), "%s.jsonl", run_name());
	file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return file < 0;
}

static void file_send(void)
{
	char line[512];
	size_t length = sample_json(line);

	(void)!write(file, line, length);
}

static void file_sync_send(void)
{
	file_send();
	fdatasync(file);
}

static void file_close(void)
{
	close(file);
	unlink(path);
}

const struct peer peer_json_line = {
    "write() of a JSON line", NULL, NULL, file_connect, file_send, file_close, 200000};
const struct peer peer_json_fdatasync = {
    "the same and fdatasync()", NULL, NULL, file_connect, file_sync_send, file_close, 300};

/* --- SQLite ----------------------------------------------------------------------------------- */

static sqlite3 *database;
static sqlite3_stmt *insert;

static int sqlite_connect(void)
{
	snprintf(path, sizeof(path), "%s.sqlite", run_name());
	if (sqlite3_open(path, &database) != SQLITE_OK)
		return 1;
	sqlite3_exec(database,
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
	    "CREATE TABLE samples(sample BLOB)",
	    NULL, NULL, NULL);
	return sqlite3_prepare_v2(database, "INSERT INTO samples VALUES(?)", -1, &insert, NULL) !=
	       SQLITE_OK;
}

static void sqlite_send(void)
{
	char bytes[256];
	size_t length = sample_pack(bytes);

	sqlite3_bind_blob(insert, 1, bytes, (int)length, SQLITE_STATIC);
	sqlite3_step(insert);
	sqlite3_reset(insert);
}

static void sqlite_close(void)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char name[112];

	sqlite3_finalize(insert);
	sqlite3_close(database);
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
}

const struct peer peer_sqlite = {
    "SQLite WAL insert", NULL, NULL, sqlite_connect, sqlite_send, sqlite_close, 20000};
