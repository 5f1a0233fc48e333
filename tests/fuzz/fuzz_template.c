/*
 * fuzz_template.c: any template is read or refused with a reason; what is read shows any sample as
 * one or more lines, without a character that steers a terminal.
 *
 * Input: the template, a zero, then a text that stands in the sample's texts.
 */
#include "common/print.h"
#include "must.h"
#include "ortail/template.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 4096

static void must_be_harmless(const char *text, size_t length)
{
	MUST(length > 0 && text[length - 1] == '\n');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		MUST(c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f));
		/* C1 controls in UTF-8. */
		MUST(c != 0xc2 || i + 1 == length || (unsigned char)text[i + 1] >= 0xa0);
	}
}

static void must_print(const struct template *t, const struct orbus_sample *s)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	MUST(out);
	template_print(t, out, false, s);
	MUST(fclose(out) == 0);
	must_be_harmless(text, length);
	free(text);
}

static void must_print_all(const struct template *t, const char *text)
{
	const struct orbus_tag tag = {"user", text};
	struct orbus_sample s;

	orbus_sample_init(&s);
	must_print(t, &s);
	s.ts = UINT64_C(1764000000123456789);
	s.model = s.bot = s.error_message = text;
	s.response_ms = 1.7976931348623157e308;
	s.ttft_ms = 0;
	s.cost_usd = 5e-324;
	s.prompt_tokens = UINT64_MAX - 1;
	s.tags = &tag;
	s.tag_count = 1;
	must_print(t, &s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char input[TEXT_MAX + 1], error[256] = "";
	const char *text;
	struct template *t = NULL;
	int err;

	if (size > TEXT_MAX)
		return 0;
	output_init();
	memcpy(input, data, size);
	input[size] = '\0';
	text = strlen(input) < size ? input + strlen(input) + 1 : "";
	err = template_parse(input, &t, error, sizeof(error));
	MUST(err == 0 || (err == -EINVAL && error[0] && memchr(error, '\0', sizeof(error))));
	MUST((err == 0) == (t != NULL));
	if (t)
		must_print_all(t, text);
	template_free(t);
	return 0;
}
