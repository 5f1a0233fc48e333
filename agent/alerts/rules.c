/*
 * rules.c: reading the file of oragent --alert. One rule (rule.c) or target a line.
 */
#include "rules.h"
#include "base/text_safe.h"
#include "base/utf8.h"
#include "curl_dl.h"
#include "rule_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* --- A rule ----------------------------------------------------------------------------------- */

static int add_rule(struct alert_line *l, struct alert_rules *out)
{
	struct alert_rule r, *more;
	int err = alert_rule_read(l, &r);

	if (!err && out->rule_count == ALERT_RULES_MAX)
		err = line_refuse(l, "is one rule too many: %d are enough", ALERT_RULES_MAX);
	if (!err) {
		more = realloc(out->rules, (out->rule_count + 1) * sizeof(*more));
		err = more ? 0 : -ENOMEM;
		out->rules = more ? more : out->rules;
	}
	for (size_t i = 0; !err && i < out->rule_count; i++)
		if (strcmp(out->rules[i].text, r.text) == 0)
			err = line_refuse(l, "says the same as an earlier line: leave it out");
	if (err)
		alert_rule_free(&r);
	else
		out->rules[out->rule_count++] = r;
	return err;
}

/* --- A target --------------------------------------------------------------------------------- */

static const char *url_fault(
    const struct curl_functions *c, CURLU *u, const char *url, char **shown)
{
	char *scheme = NULL, *host = NULL, *port = NULL;
	const char *fault = NULL;

	if (c->url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    c->url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    c->url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK || !*host)
		fault = "is no URL: write one such as https://hooks.example.org/orbus";
	else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		fault = "is of another protocol: write an https or http URL";
	(void)c->url_get(u, CURLUPART_PORT, &port, 0);
	if (!fault &&
	    asprintf(shown, "%s://%s%s%s", scheme, host, port ? ":" : "", port ? port : "") < 0)
		*shown = NULL;
	c->free(scheme);
	c->free(host);
	c->free(port);
	return fault;
}

/* Messages never repeat the URL: it may hold a token. */
static int add_target(struct alert_line *l, enum alert_format format, struct alert_rules *out)
{
	const char *word = l->words[0], *url = l->count == 2 ? l->words[1] : NULL, *fault;
	struct alert_target *t = &out->targets[out->target_count];
	const struct curl_functions *c = curl_on_demand();
	CURLU *u;

	if (!url)
		return line_refuse(l, "'%s' is followed by one URL", word);
	if (out->target_count == ALERT_TARGETS_MAX)
		return line_refuse(l, "is one target too many: %d are enough", ALERT_TARGETS_MAX);
	if (!c)
		return line_refuse(
		    l, "'%s' posts by libcurl, which is not there: install libcurl4", word);
	u = c->url();
	if (!u)
		return -ENOMEM;
	*t = (struct alert_target){.format = format};
	fault = url_fault(c, u, url, &t->shown);
	c->url_cleanup(u);
	if (fault)
		return line_refuse(l, "what follows '%s' %s", word, fault);
	t->url = strdup(url);
	snprintf(t->key, sizeof(t->key), "%016llx",
	    (unsigned long long)XXH3_64bits_withSeed(url, strlen(url), (XXH64_hash_t)format));
	out->target_count++;
	if (!t->url || !t->shown)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < out->target_count; i++)
		if (strcmp(out->targets[i].key, t->key) == 0)
			return line_refuse(l, "is the same target as an earlier one: leave it out");
	return 0;
}

/* --- The whole -------------------------------------------------------------------------------- */

static int read_line(struct alert_line *l, const char *text, size_t length, struct alert_rules *out)
{
	char raw[LINE_BYTES_MAX + 1], safe[4 * LINE_BYTES_MAX + 1];
	int err;

	if (length > LINE_BYTES_MAX)
		return line_refuse(l, "is too long: at most %d bytes", LINE_BYTES_MAX);
	for (size_t i = 0; i < length; i++)
		raw[i] = text[i] == '\t' || (text[i] == '\r' && i + 1 == length) ? ' ' : text[i];
	raw[length] = '\0';
	text_sanitise(safe, sizeof(safe), raw);
	if (strlen(raw) != length || strcmp(raw, safe) != 0)
		return line_refuse(
		    l, "holds a control character, or is not UTF-8: write plain text");
	err = line_cut(l, raw, length);
	if (err || l->count == 0)
		return err;
	if (strcmp(l->words[0], "webhook") == 0)
		return add_target(l, ALERT_WEBHOOK, out);
	if (strcmp(l->words[0], "discord") == 0)
		return add_target(l, ALERT_DISCORD, out);
	return add_rule(l, out);
}

int alert_rules_parse(
    const char *text, size_t length, struct alert_rules *out, char *error, size_t error_bytes)
{
	struct alert_line l = {.error = error, .error_bytes = error_bytes};
	int err = 0;

	*out = (struct alert_rules){0};
	*error = '\0';
	while (!err && length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t n = end ? (size_t)(end - text) : length;

		l.number++;
		err = read_line(&l, text, n, out);
		text += n + (end != NULL);
		length -= n + (end != NULL);
	}
	if (!err && out->rule_count == 0) {
		l.number = l.number ? l.number : 1;
		err = line_refuse(&l, "there is no rule: write one such as 'cost today > 5 USD'");
	}
	return err;
}

int alert_rules_load(const char *path, struct alert_rules *out, char *error, size_t error_bytes)
{
	char *text = malloc(ALERT_FILE_MAX + 1), fault[512];
	FILE *f = fopen(path, "re");
	size_t length = 0;
	int err = -EINVAL;

	*out = (struct alert_rules){0};
	*error = '\0';
	if (!text)
		err = -ENOMEM;
	else if (!f)
		snprintf(error, error_bytes, "%s: %s", path, strerror(errno));
	else if ((length = fread(text, 1, ALERT_FILE_MAX + 1, f)), ferror(f))
		snprintf(error, error_bytes, "%s: %s", path, strerror(errno));
	else if (length > ALERT_FILE_MAX)
		snprintf(error, error_bytes, "%s: is larger than %d bytes", path, ALERT_FILE_MAX);
	else if ((err = alert_rules_parse(text, length, out, fault, sizeof(fault))) == -EINVAL)
		snprintf(error, error_bytes, "%s:%s", path, fault);
	if (f)
		fclose(f);
	free(text);
	return err;
}

const struct alert_target *alert_rules_target(const struct alert_rules *r, const char *key)
{
	for (size_t i = 0; i < r->target_count; i++)
		if (strcmp(r->targets[i].key, key) == 0)
			return &r->targets[i];
	return NULL;
}

void alert_rules_free(struct alert_rules *r)
{
	for (size_t i = 0; i < r->rule_count; i++)
		alert_rule_free(&r->rules[i]);
	for (size_t i = 0; i < r->target_count; i++) {
		free(r->targets[i].url);
		free(r->targets[i].shown);
	}
	free(r->rules);
	*r = (struct alert_rules){0};
}
