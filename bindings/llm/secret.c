/*
 * secret.c: keys that a server may repeat.
 */
#include "secret.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

/* --- What the program sent
 * ------------------------------------------------------------------------
 */

static uint32_t four_at(const char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/*
 * Whether the text may hold `least` (4 at least) consecutive bytes of the secret: it then holds
 * four of them that begin at a multiple of least - 3 of it. Most texts hold none, at little cost.
 */
static bool may_hold(const char *text, size_t length, const char *secret, size_t n, size_t least)
{
	for (size_t at = 0; at + 4 <= n; at += least - 3)
		for (size_t i = 0; i + 4 <= length; i++)
			if (four_at(text + i) == four_at(secret + at))
				return true;
	return false;
}

/* The longest run of the secret, of at least `least` bytes, that the text begins with; 0: none. */
static size_t run_at(const char *text, size_t left, const char *secret, size_t n, size_t least)
{
	const char *end = secret + n, *from = secret, *found;
	size_t best = 0, run;

	if (left < least)
		return 0;
	while (best < left && (found = memmem(from, (size_t)(end - from), text, least))) {
		for (run = least; run < left && found + run < end && text[run] == found[run];)
			run++;
		best = run > best ? run : best;
		from = found + 1;
	}
	return best;
}

/*
 * Each turn steps on by the bytes that it hid, or by one. So it ends even where the secret is made
 * of asterisks, which look the same after they were hidden.
 */
static void mask_one(char *text, size_t length, const char *secret, size_t n)
{
	size_t least = n < SECRET_RUN ? n : SECRET_RUN;

	if (n < SECRET_LEAST)
		return;
	if (may_hold(text, length, secret, n, least))
		for (size_t at = 0, run; at < length; at += run ? run : 1) {
			run = run_at(text + at, length - at, secret, n, least);
			memset(text + at, '*', run);
		}
	for (size_t cut = least - 1; cut >= SECRET_LEAST; cut--)
		if (cut <= length && memcmp(text + length - cut, secret, cut) == 0)
			memset(text + length - cut, '*', cut);
}

static bool holds(const char *text, size_t length, const char *secret, size_t n)
{
	if (n < SECRET_IN_NAME || !may_hold(text, length, secret, n, SECRET_IN_NAME))
		return false;
	for (size_t at = 0; at < length; at++)
		if (run_at(text + at, length - at, secret, n, SECRET_IN_NAME))
			return true;
	return false;
}

/* --- What looks like a key
 * ------------------------------------------------------------------------
 */

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The bytes that follow a key's beginning, by the alphabets that vendors write keys in. */
enum alphabet { PLAIN, WORD, HYPHENS, DOTS };

static bool is_of(enum alphabet a, char c)
{
	return is_letter_or_digit(c) || (a >= WORD && c == '_') || (a >= HYPHENS && c == '-') ||
	       (a >= DOTS && c == '.');
}

/*
 * How the keys of vendors begin, and how many bytes follow at least. The alphabet is as narrow and
 * the number as large as the keys allow, so that "xai-grok-4" and "hf_some_model" stay names.
 */
static const struct {
	const char *start;
	enum alphabet alphabet;
	uint8_t least;
} vendors[] = {
    {"sk-", HYPHENS, SECRET_RUN}, /* OpenAI, OpenRouter, Anthropic, DeepSeek, LiteLLM */
    {"pk-", HYPHENS, SECRET_RUN}, {"key-", HYPHENS, SECRET_RUN},
    {"sk_", WORD, 16},                                                /* ElevenLabs, Stripe */
    {"pk_", WORD, 16}, {"rk_", WORD, 16}, {"AIza", HYPHENS, 16},      /* Google */
    {"ya29.", HYPHENS, 16}, {"AQ.", HYPHENS, 16}, {"hf_", PLAIN, 16}, /* Hugging Face */
    {"gsk_", PLAIN, 16},                                              /* Groq */
    {"xai-", PLAIN, 16},                                              /* xAI */
    {"pplx-", PLAIN, 16},                                             /* Perplexity */
    {"r8_", PLAIN, 16},                                               /* Replicate */
    {"fw_", PLAIN, 16},                                               /* Fireworks */
    {"csk-", PLAIN, 16},                                              /* Cerebras */
    {"nvapi-", HYPHENS, 16},                                          /* NVIDIA */
    {"tgp_v1_", HYPHENS, 16},                                         /* Together */
    {"esecret_", PLAIN, 16},                                          /* Anyscale */
    {"jina_", PLAIN, 16},                                             /* Jina */
    {"pa-", HYPHENS, 32},                                             /* Voyage */
    {"dapi", PLAIN, 32},                                              /* Databricks */
    {"AKIA", PLAIN, 16}, {"ASIA", PLAIN, 16},                         /* Amazon */
    {"ghp_", PLAIN, 16}, {"gho_", PLAIN, 16},                         /* GitHub */
    {"ghu_", PLAIN, 16}, {"ghs_", PLAIN, 16},                         /* */
    {"github_pat_", WORD, 16}, {"glpat-", HYPHENS, 16}, {"tvly-", HYPHENS, 16},
    {"lsv2_", HYPHENS, 16}, /* Tavily, LangSmith */
    {"eyJ", DOTS, 16},      /* JSON Web Tokens */
};

/* The bytes of the key that the text begins with; 0: it begins with none. */
static size_t vendor_key_at(const char *text)
{
	for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
		size_t start = strlen(vendors[i].start), n = start;

		if (strncmp(text, vendors[i].start, start) != 0)
			continue;
		while (is_of(vendors[i].alphabet, text[n]))
			n++;
		if (n >= start + vendors[i].least)
			return n;
	}
	return 0;
}

static bool is_token(char c)
{
	return is_of(DOTS, c) || (c && strchr("~+/=", c));
}

/* A word such as in "Bearer authentication" is no key: small letters after the first. */
static bool is_plain_word(const char *text, size_t length)
{
	for (size_t i = 1; i < length; i++)
		if ((text[i] < 'a' || text[i] > 'z') && !(text[i] == '.' && i + 1 == length))
			return false;
	return true;
}

/*
 * What follows the name of a scheme of Authorization, of any vendor. *skipped: the bytes before
 * it. 0: there is none.
 */
static size_t credential_at(const char *text, size_t *skipped)
{
	static const char *const schemes[] = {"bearer", "basic"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t at = strlen(schemes[i]), n;

		if (strncasecmp(text, schemes[i], at) != 0)
			continue;
		*skipped = at + strspn(text + at, " \t:=\"'<[{(");
		if (strncmp(text + at, "%20", 3) == 0)
			*skipped = at + 3;
		for (n = 0; is_token(text[*skipped + n]);)
			n++;
		if (*skipped > at && n >= SECRET_RUN && !is_plain_word(text + *skipped, n))
			return n;
	}
	return 0;
}

/* Whether a word begins there, also after an escape: "%20sk-...", "\\nsk-...". */
static bool begins_word(const char *text, const char *p)
{
	size_t before = (size_t)(p - text);

	return before == 0 || !is_letter_or_digit(p[-1]) || (before >= 2 && p[-2] == '\\') ||
	       (before >= 3 && p[-3] == '%');
}

/* The first one in the text, and its bytes; NULL: there is none. */
static const char *find_look_alike(const char *text, size_t *length)
{
	size_t skipped = 0;

	for (const char *p = text; *p; p++) {
		if (!is_letter_or_digit(*p) || !begins_word(text, p))
			continue;
		if ((*length = vendor_key_at(p)) > 0)
			return p;
		if ((*length = credential_at(p, &skipped)) > 0)
			return p + skipped;
	}
	return NULL;
}

/*
 * Keys that are known by their look come first. Else 8 characters that another key shares with ours
 * would be hidden, and the rest of that key would no longer look like one.
 */
void secret_mask(char *text, const char *secrets)
{
	const char *found;
	size_t n, length = strlen(text);

	for (size_t at = 0; (found = find_look_alike(text + at, &n));
	     at = (size_t)(found - text) + n)
		memset(text + (found - text), '*', n);
	for (; secrets && *secrets; secrets += n + (secrets[n] == '\n')) {
		n = strcspn(secrets, "\n");
		mask_one(text, length, secrets, n);
	}
}

bool secret_is_in(const char *name, const char *secrets)
{
	size_t n, length = strlen(name);

	for (; secrets && *secrets; secrets += n + (secrets[n] == '\n')) {
		n = strcspn(secrets, "\n");
		if (holds(name, length, secrets, n))
			return true;
	}
	return find_look_alike(name, &n) != NULL;
}

/* --- URLs
 * -----------------------------------------------------------------------------------------
 */

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *at;

	at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static void add_line(char *out, const char *bytes, size_t length)
{
	size_t used = strlen(out);

	if (length + 2 > SECRET_URL_BYTES - used)
		length = SECRET_URL_BYTES - used > 2 ? SECRET_URL_BYTES - used - 2 : 0;
	if (length == 0)
		return;
	memcpy(out + used, bytes, length);
	memcpy(out + used + length, "\n", 2);
}

static void add_value(char *out, const char *value, size_t length)
{
	char decoded[SECRET_URL_BYTES];
	size_t used = 0;

	add_line(out, value, length);
	length = length < sizeof(decoded) ? length : sizeof(decoded);
	if (!memchr(value, '%', length))
		return;
	for (size_t i = 0; i < length; i++) {
		int high = value[i] == '%' && i + 2 < length ? hex(value[i + 1]) : -1;
		int low = high >= 0 ? hex(value[i + 2]) : -1;

		decoded[used] = low >= 0 ? (char)(high << 4 | low) : value[i];
		i += low >= 0 ? 2 : 0;
		used += decoded[used] && decoded[used] != '\n';
	}
	add_line(out, decoded, used);
}

static bool is_named_like_a_key(const char *name, size_t length)
{
	static const char *const words[] = {
	    "key", "token", "secret", "sig", "pass", "auth", "cred", "code"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (size_t n = strlen(words[i]), at = 0; at + n <= length; at++)
			if (strncasecmp(name + at, words[i], n) == 0)
				return true;
	return false;
}

static void add_query(char *out, const char *query)
{
	while (*query && *query != '#') {
		size_t n = strcspn(query, "&#"), name = 0;

		while (name < n && query[name] != '=')
			name++;
		if (name < n && is_named_like_a_key(query, name))
			add_value(out, query + name + 1, n - name - 1);
		query += n + (query[n] == '&');
	}
}

void secret_of_url(const char *url, char out[SECRET_URL_BYTES])
{
	const char *host = url ? strstr(url, "://") : NULL, *end, *at = NULL, *colon;

	out[0] = '\0';
	if (!host)
		return;
	host += 3;
	end = host + strcspn(host, "/?#");
	for (const char *p = host; p < end; p++)
		if (*p == '@')
			at = p;
	if (at) {
		colon = memchr(host, ':', (size_t)(at - host));
		colon = colon ? colon + 1 : host;
		add_value(out, colon, (size_t)(at - colon));
	}
	if ((end = strchr(end, '?')))
		add_query(out, end + 1);
}
