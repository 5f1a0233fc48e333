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
 * Steps on by what it hid, or by one: it ends also where the secret is made of asterisks, and what
 * it wrote is what it read.
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

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* The bytes after "sk-", "pk-" or "key-" that belong to the key, with these; 0: it is none. */
static size_t key_at(const char *text)
{
	static const char *const starts[] = {"sk-", "pk-", "key-"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		size_t start = strlen(starts[i]), n = start;

		if (strncmp(text, starts[i], start) != 0)
			continue;
		while (is_word(text[n]) || text[n] == '-')
			n++;
		if (n >= start + SECRET_RUN)
			return n;
	}
	return 0;
}

/* The first one in the text, and its bytes; NULL: there is none. */
static const char *find_look_alike(const char *text, size_t *length)
{
	for (const char *p = text; *p; p++)
		if ((*p == 's' || *p == 'p' || *p == 'k') && (p == text || !is_word(p[-1])) &&
		    (*length = key_at(p)) > 0)
			return p;
	return NULL;
}

void secret_mask(char *text, const char *secrets)
{
	const char *found;
	size_t n, length = strlen(text);

	for (; secrets && *secrets; secrets += n + (secrets[n] == '\n')) {
		n = strcspn(secrets, "\n");
		mask_one(text, length, secrets, n);
	}
	while ((found = find_look_alike(text, &n)))
		memset(text + (found - text), '*', n);
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
