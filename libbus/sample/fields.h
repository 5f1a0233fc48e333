/*
 * fields.h: the one table of a sample's fields. Encoding, decoding, JSON and the documents
 * all follow it, so that a field has the same name and type everywhere.
 *
 *   X(type, field)   type: STRING, BOOL, UINT or DOUBLE; kind, status, ts and tags are treated
 *                    apart, since their forms differ.
 *
 * The order is the order on the wire and in JSON.
 */
#ifndef ORBUS_SAMPLE_FIELDS_H
#define ORBUS_SAMPLE_FIELDS_H

#define ORBUS_SAMPLE_FIELDS(X)     \
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
