/*
 * fields.h: the one table of a sample's fields. Encoding, decoding, JSON and the documents
 * all follow it, so that a field has the same name and type everywhere.
 *
 *   X(type, field)   type: STRING, BOOL, UINT or DOUBLE; kind, status, ts and tags are treated
 *                    apart, since their forms differ.
 *
 * The order is the order on the wire and in JSON. New fields are added to the end of the second
 * part, which most samples have little of: encoding asks once whether there is any of it, and CSV
 * has its columns last.
 */
#ifndef ORBUS_SAMPLE_FIELDS_H
#define ORBUS_SAMPLE_FIELDS_H

#define ORBUS_SAMPLE_FIELDS_1(X)   \
	X(STRING, bot)             \
	X(STRING, model)           \
	X(STRING, requested_model) \
	X(STRING, provider)        \
	X(STRING, finish_reason)   \
	X(STRING, request_id)      \
	X(STRING, begin_id)        \
	X(BOOL, stream)            \
	X(STRING, error_type)      \
	X(UINT, http_status)       \
	X(DOUBLE, response_ms)     \
	X(DOUBLE, ttft_ms)         \
	X(UINT, prompt_tokens)     \
	X(UINT, completion_tokens) \
	X(UINT, total_tokens)      \
	X(UINT, cached_tokens)     \
	X(UINT, reasoning_tokens)  \
	X(BOOL, tokens_estimated)  \
	X(DOUBLE, cost_usd)        \
	X(UINT, attempt)           \
	X(STRING, name)            \
	X(DOUBLE, value)           \
	X(STRING, error_message)

#define ORBUS_SAMPLE_FIELDS_2(X)    \
	X(STRING, operation)        \
	X(UINT, cache_write_tokens) \
	X(UINT, tool_calls)         \
	X(DOUBLE, max_gap_ms)       \
	X(UINT, chunks)             \
	X(BOOL, cost_estimated)     \
	X(DOUBLE, retry_after_s)    \
	X(STRING, key_id)

#define ORBUS_SAMPLE_FIELDS(X) ORBUS_SAMPLE_FIELDS_1(X) ORBUS_SAMPLE_FIELDS_2(X)

/*
 * A key as it is on the wire, head and text as one constant: the format's fixstr, up to 31 bytes.
 *
 *   static const SAMPLE_KEY_TYPE("model") key = SAMPLE_KEY("model");
 */
#define SAMPLE_KEY_TYPE(literal)                \
	struct {                                \
		char head;                      \
		char text[sizeof(literal) - 1]; \
	}
#define SAMPLE_KEY(literal)                                   \
	{                                                     \
		(char)(0xa0 | (sizeof(literal) - 1)), literal \
	}

#endif
