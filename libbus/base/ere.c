/*
 * ere.c: POSIX extended regular expressions that a user wrote, within bounds.
 */
#include "ere.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * glibc keeps every state of the automaton that a text has led to, about a kilobyte each, and it
 * begins at each byte of the text anew: n bytes lead to n * n / 2 states at most. After so many a
 * pattern is compiled again.
 */
#define RENEW_STATES (ERE_TEXT_MAX * ERE_TEXT_MAX / 2)

/* The end of a bracket expression: ] stands for itself at its start, and within [: :] [. .] [= =].
 */
static const char *skip_brackets(const char *s)
{
	s += 1 + (s[1] == '^');
	if (*s == ']')
		s++;
	while (*s && *s != ']') {
		if (*s == '[' && (s[1] == ':' || s[1] == '.' || s[1] == '=')) {
			const char close[] = {s[1], ']', '\0'}, *end = strstr(s + 2, close);

			s = end ? end + 1 : s;
		}
		s++;
	}
	return s;
}

/* The larger number of "{m,n}", 1 where there is none: then it is no repetition. */
static uint64_t repeats(const char *brace)
{
	uint64_t most = 1;

	for (const char *s = brace + 1; (*s >= '0' && *s <= '9') || *s == ','; s++) {
		uint64_t n = strtoul(s, NULL, 10);

		most = n > most ? n : most;
	}
	return most;
}

static int refuse(char *why, size_t bytes, const char *what)
{
	snprintf(why, bytes, "%s", what);
	return -EINVAL;
}

static int check(const char *pattern, char *why, size_t why_bytes)
{
	uint64_t product = 1;

	if (strlen(pattern) > ERE_BYTES_MAX)
		return refuse(why, why_bytes, "it is longer than 512 bytes");
	for (const char *s = pattern; *s; s++) {
		if (*s == '\\' && s[1] >= '1' && s[1] <= '9')
			return refuse(why, why_bytes, "back references such as \\1 are not taken");
		if (*s == '\\' && s[1])
			s++;
		else if (*s == '[')
			s = skip_brackets(s);
		else if (*s == '{')
			product *= repeats(s);
		if (product > ERE_REPEATS_MAX)
			return refuse(
			    why, why_bytes, "its repetitions {m,n} make more than 256 in all");
		if (!*s)
			break;
	}
	return 0;
}

int ere_compile(const char *pattern, int flags, regex_t *out, char *why, size_t why_bytes)
{
	int err = check(pattern, why, why_bytes);

	if (err)
		return err;
	err = regcomp(out, pattern, flags | REG_EXTENDED);
	if (err == 0)
		return 0;
	regerror(err, out, why, why_bytes);
	return err == REG_ESPACE ? -ENOMEM : -EINVAL;
}

struct ere {
	char *pattern;
	regex_t compiled;
	size_t states; /* that it may have, at most */
};

int ere_new(const char *pattern, struct ere **out, char *why, size_t why_bytes)
{
	struct ere *e = *out = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->pattern = strdup(pattern);
	err = e->pattern ? ere_compile(pattern, REG_NOSUB, &e->compiled, why, why_bytes) : -ENOMEM;
	if (!err)
		return 0;
	free(e->pattern);
	free(e);
	*out = NULL;
	return err;
}

/* Without memory for a new one the old one goes on. */
static void renew(struct ere *e)
{
	regex_t fresh;

	e->states = 0;
	if (regcomp(&fresh, e->pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return;
	regfree(&e->compiled);
	e->compiled = fresh;
}

bool ere_matches(struct ere *e, const char *text)
{
	size_t length = strnlen(text, ERE_TEXT_MAX);
	char cut[ERE_TEXT_MAX + 1];

	memcpy(cut, text, length);
	cut[length] = '\0';
	if (e->states > RENEW_STATES)
		renew(e);
	e->states += length * length / 2;
	return regexec(&e->compiled, cut, 0, NULL, 0) == 0;
}

void ere_free(struct ere *e)
{
	if (!e)
		return;
	regfree(&e->compiled);
	free(e->pattern);
	free(e);
}
