/*
 * output.c: colour, text that came from others, figures, columns.
 */
#include "output.h"
#include "figure_text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

/* What jansson must write for a real to be read back as it was; it shows 0.1 in 17 digits then. */
#define JSON_DIGITS 17

static const char *const tone_codes[] = {
    [TONE_PLAIN] = "",
    [TONE_GOOD] = "\033[32m",
    [TONE_FAIR] = "\033[36m",
    [TONE_POOR] = "\033[33m",
    [TONE_BAD] = "\033[31m",
    [TONE_FAINT] = "\033[2m",
    [TONE_STRONG] = "\033[1m",
};

/* No file that is opened later may take the place of a closed one, and what is printed with it. */
static void hold_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0) /* the wrong way round: closed files are errors */
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void output_init(void)
{
	hold_standard_files();
	/* Characters alone: numbers stay those of the C locale, whatever the user's is. */
	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
}

bool output_wants_colour(FILE *out)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no_colour && *no_colour)
		return false;
	return isatty(fileno(out)) && term && *term && strcmp(term, "dumb") != 0;
}

const char *tone_start(enum tone tone, bool colour)
{
	return colour ? tone_codes[tone] : "";
}

const char *tone_end(enum tone tone, bool colour)
{
	return colour && tone != TONE_PLAIN ? "\033[0m" : "";
}

bool output_is_gone(void)
{
	struct pollfd reader = {.fd = STDOUT_FILENO};

	return poll(&reader, 1, 0) > 0 && reader.revents & (POLLHUP | POLLERR);
}

int output_flush(const char *tool, bool *gone)
{
	int err = fflush(stdout) != 0 ? -errno : ferror(stdout) ? -EIO : 0;
	bool is_gone = err == -EPIPE || (err == -EIO && output_is_gone());

	if (gone)
		*gone = is_gone;
	if (err == 0 || is_gone)
		return 0;
	fprintf(stderr, "%s: cannot write to standard output: %s\n", tool, strerror(-err));
	return err;
}

bool is_unsafe_character(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

int next_character(const char *text, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)text;
	int length = s[0] < 0x80       ? 1
	             : s[0] >> 5 == 6  ? 2
	             : s[0] >> 4 == 14 ? 3
	             : s[0] >> 3 == 30 ? 4
	                               : 0;

	if (length <= 1) {
		*c = s[0];
		return length == 0 ? -1 : s[0] != 0;
	}
	*c = s[0] & (0x7fu >> length);
	for (int i = 1; i < length; i++) {
		if (s[i] >> 6 != 2)
			return -1;
		*c = *c << 6 | (s[i] & 0x3fu);
	}
	if (*c < least[length] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return -1;
	return length;
}

/* The spelling of an unsafe character. */
static void spell_character(uint32_t c, char out[16])
{
	switch (c) {
	case '\n': strcpy(out, "\\n"); break;
	case '\r': strcpy(out, "\\r"); break;
	case '\t': strcpy(out, "\\t"); break;
	default:
		snprintf(out, 16,
		    c < 0x80      ? "\\x%02" PRIx32
		    : c < 0x10000 ? "\\u%04" PRIx32
				  : "\\U%08" PRIx32,
		    c);
	}
}

/*
 * The safe form of the character at *text, which is moved past it: a pointer into the text, or
 * into `spelled`. Returns its length, 0 at the end.
 */
static size_t safe_character(const char **text, char spelled[16], const char **out)
{
	uint32_t c;
	int length = next_character(*text, &c);

	*out = *text;
	if (length < 0) {
		snprintf(spelled, 16, "\\x%02x", (unsigned char)**text);
		length = 1;
	} else if (length > 0 && is_unsafe_character(c)) {
		spell_character(c, spelled);
	} else {
		*text += length;
		return (size_t)length;
	}
	*text += length;
	*out = spelled;
	return strlen(spelled);
}

size_t text_sanitise(char *out, size_t bytes, const char *text)
{
	char spelled[16];
	const char *piece;
	size_t n, used = 0;

	while ((n = safe_character(&text, spelled, &piece)) > 0 && used + n < bytes) {
		memcpy(out + used, piece, n);
		used += n;
	}
	out[used] = '\0';
	return used;
}

void print_text(FILE *out, const char *text)
{
	char spelled[16];
	const char *piece;
	size_t n;

	while ((n = safe_character(&text, spelled, &piece)) > 0)
		fwrite(piece, 1, n, out);
}

int text_character(const char *text, uint32_t *c)
{
	int length = next_character(text, c);

	return length < 0 ? 0 : length;
}

int character_width(uint32_t c)
{
	int width = wcwidth((wchar_t)c);

	return width < 0 ? 1 : width;
}

/* Bytes of the longest start of the text that takes at most `columns`; *used tells how many. */
static size_t fitting_bytes(const char *text, int columns, int *used)
{
	size_t n = 0;
	uint32_t c;
	int length;

	*used = 0;
	while ((length = next_character(text + n, &c)) > 0) {
		int width = character_width(c);

		if (*used + width > columns)
			break;
		*used += width;
		n += (size_t)length;
	}
	return n;
}

int text_width(const char *text)
{
	int used;

	fitting_bytes(text, INT32_MAX / 2, &used);
	return used;
}

size_t text_fitting(const char *text, int columns)
{
	int used;

	return fitting_bytes(text, columns, &used);
}

void print_cell(FILE *out, const char *text, int width, bool to_the_right)
{
	int used;
	size_t n = fitting_bytes(text, width, &used);
	const char *ellipsis = "";

	if (text[n] && width > 0) {
		n = fitting_bytes(text, width - 1, &used);
		ellipsis = "\u2026";
		used++;
	}
	if (to_the_right)
		fprintf(out, "%*s", width - used, "");
	fwrite(text, 1, n, out);
	fputs(ellipsis, out);
	if (!to_the_right)
		fprintf(out, "%*s", width - used, "");
}

/* Where to break the text to fit in `columns`: the length of the line; words that do not fit are
 * cut. */
static size_t line_length(const char *text, int columns)
{
	size_t n = text_fitting(text, columns), space = n;

	if (text[n] == '\0' || text[n] == ' ')
		return n;
	while (space > 0 && text[space] != ' ')
		space--;
	return space > 0 ? space : n;
}

void print_wrapped(FILE *out, const char *text, int indent)
{
	for (;;) {
		size_t n = line_length(text, OUTPUT_COLUMNS - indent);

		if (n == 0)
			break;
		fwrite(text, 1, n, out);
		fputc('\n', out);
		text += n;
		text += strspn(text, " ");
		if (!*text)
			break;
		fprintf(out, "%*s", indent, "");
	}
}

void format_count(uint64_t n, char out[COUNT_TEXT_BYTES])
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *to = out;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
}

struct fixed_figure format_fixed(double value, int decimals)
{
	struct fixed_figure f;

	if (fabs(value) >= 1e15)
		snprintf(f.text, sizeof(f.text), "%.3g", value);
	else
		snprintf(f.text, sizeof(f.text), "%.*f", decimals, value);
	return f;
}

void format_figure(double value, char out[FIGURE_TEXT_BYTES])
{
	bool is_whole = floor(value) == value;

	if (fabs(value) >= 1e15)
		snprintf(out, FIGURE_TEXT_BYTES, "%.3g", value);
	else
		snprintf(out, FIGURE_TEXT_BYTES,
		    is_whole           ? "%.0f"
		    : fabs(value) >= 1 ? "%.2f"
				       : "%.3g",
		    value);
}

/* All digits that it takes to read the same double; "5", not "5.0". */
static void format_whole_figure(double value, char out[FIGURE_TEXT_BYTES])
{
	char text[FIGURE_TEXT_MAX];
	size_t n = figure_text(value, text);

	if (n > 2 && memcmp(text + n - 2, ".0", 2) == 0)
		n -= 2;
	memcpy(out, text, n);
	out[n] = '\0';
}

static int order_of(double a, double b)
{
	return (a > b) - (a < b);
}

void format_with_limit(
    double value, double limit, char out[FIGURE_TEXT_BYTES], char limit_out[FIGURE_TEXT_BYTES])
{
	static_assert(FIGURE_TEXT_BYTES >= FIGURE_TEXT_MAX, "any figure fits");

	format_figure(value, out);
	format_figure(limit, limit_out);
	if (!isfinite(value) || !isfinite(limit) ||
	    order_of(strtod(out, NULL), strtod(limit_out, NULL)) == order_of(value, limit))
		return;
	format_whole_figure(value, out);
	format_whole_figure(limit, limit_out);
}

/*
 * A number of JSON text as it is, or, where it is a real, in as few digits as it needs: jansson
 * writes all in as many as one asks for. Returns its length.
 */
static size_t print_json_number(FILE *out, const char *text)
{
	size_t n = strspn(text, "+-.0123456789eE"), length = n;
	char shortest[FIGURE_TEXT_MAX];

	if (memchr(text, '.', n) || memchr(text, 'e', n)) {
		length = figure_text(strtod(text, NULL), shortest);
		text = shortest;
	}
	fwrite(text, 1, length, out);
	return n;
}

/* In JSON text all that is unsafe and not ASCII white space lies within strings. */
static void print_json_text(FILE *out, const char *text)
{
	const char *safe = text; /* from here on it is printed as it is */
	bool in_string = false;
	uint32_t c;
	int length;

	for (; (length = next_character(text, &c)) > 0; text += length) {
		if (c == '"')
			in_string = !in_string;
		if (in_string && c == '\\')
			length = 2;
		if (!in_string && (c == '-' || (c >= '0' && c <= '9'))) {
			fwrite(safe, 1, (size_t)(text - safe), out);
			length = (int)print_json_number(out, text);
			safe = text + length;
		}
		if (c == '\n' || !is_unsafe_character(c))
			continue;
		fwrite(safe, 1, (size_t)(text - safe), out);
		safe = text + length;
		if (c < 0x10000)
			fprintf(out, "\\u%04" PRIx32, c);
		else
			fprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd7c0 + (c >> 10),
			    0xdc00 + (c & 0x3ff));
	}
	fwrite(safe, 1, (size_t)(text - safe), out);
}

int print_json(FILE *out, const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags | JSON_REAL_PRECISION(JSON_DIGITS));

	if (!text)
		return -ENOMEM;
	print_json_text(out, text);
	free(text);
	return 0;
}
