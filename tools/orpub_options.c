/*
 * orpub_options.c: the table of orpub's options.
 */
#include "orpub_options.h"

#define AT(field)    offsetof(struct orpub_settings, field)
#define SAMPLE(name) offsetof(struct orpub_settings, sample.name)

static const struct cli_option options[] = {
    CLI_OPTION_BUS(struct orpub_settings, bus),
    {.name = "json-lines", .type = CLI_FLAG, .offset = AT(json_lines),
	.help = "publish JSON objects, one a line, from standard input",
	.details = "Publishes many samples from standard input: one JSON object a line, with the "
		   "keys listed in *orbus*(7). A line that cannot be published is reported with "
		   "its number, the others go through, and the exit status is 1."},
    {.name = "gauge", .type = CLI_LIST, .offset = AT(gauges), .argument = "NAME=VALUE",
	.help = "publish a gauge; may be repeated",
	.details = "Publishes the current value of something, such as _discord\\_latency\\_ms=45.2_. "
		   "May be given several times."},
    {.name = "count", .type = CLI_LIST, .offset = AT(counts), .argument = "NAME=VALUE",
	.help = "publish a count; may be repeated",
	.details = "Publishes by how much something grew, such as _messages\\_processed=1_. May be "
		   "given several times."},
    CLI_OPTION_HELP,
    CLI_OPTION_VERSION,
    {.type = CLI_SECTION, .help = "One request, whose fields orbus(7) explains"},
    {.name = "model", .type = CLI_TEXT, .offset = SAMPLE(model), .argument = "M",
	.help = "the model that answered"},
    {.name = "response-ms", .type = CLI_FIGURE, .offset = SAMPLE(response_ms), .argument = "N",
	.units = "milliseconds, such as 3450", .help = "milliseconds from start to end"},
    {.name = "ttft-ms", .type = CLI_FIGURE, .offset = SAMPLE(ttft_ms), .argument = "N",
	.units = "milliseconds, such as 870", .help = "milliseconds to the first token of a stream"},
    {.name = "prompt-tokens", .type = CLI_UINT, .offset = SAMPLE(prompt_tokens), .argument = "N",
	.high = INT64_MAX, .help = "tokens of the prompt"},
    {.name = "completion-tokens", .type = CLI_UINT, .offset = SAMPLE(completion_tokens),
	.argument = "N", .high = INT64_MAX, .help = "tokens of the answer"},
    {.name = "status", .type = CLI_CHOICE, .offset = AT(status),
	.choices = "ok|error|timeout|cancelled", .preset = "ok", .help = "how it ended"},
    {.name = "stream", .type = CLI_FLAG, .offset = SAMPLE(stream), .help = "it was streamed"},
    {.name = "bot", .type = CLI_TEXT, .offset = SAMPLE(bot), .argument = "NAME",
	.preset_words = "orpub", .help = "the producer's name"},
    {.name = "total-tokens", .type = CLI_UINT, .offset = SAMPLE(total_tokens), .argument = "N",
	.high = INT64_MAX, .help = "tokens in all"},
    {.name = "cached-tokens", .type = CLI_UINT, .offset = SAMPLE(cached_tokens), .argument = "N",
	.high = INT64_MAX, .help = "tokens of the prompt that came from a cache"},
    {.name = "reasoning-tokens", .type = CLI_UINT, .offset = SAMPLE(reasoning_tokens),
	.argument = "N", .high = INT64_MAX, .help = "tokens of the answer that were reasoning"},
    {.name = "tokens-estimated", .type = CLI_FLAG, .offset = SAMPLE(tokens_estimated),
	.help = "the token figures are estimates"},
    {.name = "cost-usd", .type = CLI_FIGURE, .offset = SAMPLE(cost_usd), .argument = "X",
	.units = "US dollars, such as 0.0123", .help = "what it cost, in US dollars"},
    {.name = "requested-model", .type = CLI_TEXT, .offset = SAMPLE(requested_model),
	.argument = "M", .help = "the model that was asked for"},
    {.name = "provider", .type = CLI_TEXT, .offset = SAMPLE(provider), .argument = "P",
	.help = "who ran the model"},
    {.name = "finish-reason", .type = CLI_TEXT, .offset = SAMPLE(finish_reason), .argument = "R",
	.help = "why the answer ended"},
    {.name = "error-type", .type = CLI_TEXT, .offset = SAMPLE(error_type), .argument = "TYPE",
	.help = "what kind of error, such as rate_limited"},
    {.name = "error-message", .type = CLI_TEXT, .offset = SAMPLE(error_message),
	.argument = "TEXT", .help = "the error's words"},
    {.name = "http-status", .type = CLI_UINT, .offset = SAMPLE(http_status), .argument = "N",
	.high = 999, .help = "the HTTP status"},
    {.name = "attempt", .type = CLI_UINT, .offset = SAMPLE(attempt), .argument = "N", .low = 1,
	.high = INT64_MAX, .help = "1 for the first try"},
    {.name = "kind", .type = CLI_CHOICE, .offset = AT(kind), .choices = "request|begin",
	.preset = "request", .help = "a request that ended, or one that begins"},
    {.name = "request-id", .type = CLI_TEXT, .offset = SAMPLE(request_id), .argument = "ID",
	.help = "pairs a begin with its request"},
    {.name = "begin-id", .type = CLI_TEXT, .offset = SAMPLE(begin_id), .argument = "ID",
	.help = "the request id that the begin bore, where it has changed"},
    {.name = "tag", .type = CLI_LIST, .offset = AT(tags), .argument = "K=V",
	.help = "a tag such as user=ann; may be repeated"},
    {.name = "ts", .type = CLI_TEXT, .offset = AT(ts), .argument = "T", .preset_words = "now",
	.help = "when it ended: RFC 3339, or seconds since 1970"},
};

const struct cli_program orpub_program = {
    .name = "orpub",
    .summary = "Publishes a sample, or many, on an orbus bus.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .dense_from = "total-tokens",
};
