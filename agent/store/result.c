/*
 * result.c: the words for the steps of an operation.
 */
#include "result.h"

const char *store_step_name(enum store_step step)
{
	switch (step) {
	case STORE_STEP_NONE: return "do";
	case STORE_STEP_CREATE: return "create";
	case STORE_STEP_WRITE: return "write";
	case STORE_STEP_SYNC: return "sync";
	case STORE_STEP_RENAME: return "rename";
	case STORE_STEP_SYNC_DIR: return "sync the folder of";
	case STORE_STEP_REMOVE: return "remove";
	case STORE_STEP_READ: return "read";
	case STORE_STEP_LIST: return "list";
	case STORE_STEP_COMPRESS: return "compress";
	}
	return "do";
}
