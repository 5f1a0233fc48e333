/*
 * clock.c: reading clocks, and times as people and files write them.
 */
#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t clock_realtime_ns(void)
{
	return now_ns_of(CLOCK_REALTIME);
}

uint64_t clock_monotonic_ns(void)
{
	return now_ns_of(CLOCK_MONOTONIC);
}

static void break_down(uint64_t ns, bool utc, struct tm *tm)
{
	time_t t = (time_t)(ns / NS_PER_SECOND);

	memset(tm, 0, sizeof(*tm));
	if (utc)
		gmtime_r(&t, tm);
	else
		localtime_r(&t, tm);
}

void clock_format_rfc3339(uint64_t ns, char out[RFC3339_BYTES])
{
	struct tm tm;
	size_t n;

	break_down(ns, true, &tm);
	n = strftime(out, RFC3339_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, RFC3339_BYTES - n, ".%09" PRIu64 "Z", ns % NS_PER_SECOND);
}

void clock_format_rfc3339_local(uint64_t ns, bool utc, char out[RFC3339_BYTES])
{
	struct tm tm;
	long minutes;
	size_t n;

	break_down(ns, utc, &tm);
	minutes = tm.tm_gmtoff / 60;
	n = strftime(out, RFC3339_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, RFC3339_BYTES - n, "%c%02ld:%02ld", minutes < 0 ? '-' : '+',
	    (minutes < 0 ? -minutes : minutes) / 60, (minutes < 0 ? -minutes : minutes) % 60);
}

void clock_format_isoformat(uint64_t ns, bool utc, char out[RFC3339_BYTES])
{
	struct tm tm;
	size_t n;

	break_down(ns, utc, &tm);
	n = strftime(out, RFC3339_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, RFC3339_BYTES - n, ".%06" PRIu64, ns % NS_PER_SECOND / 1000);
}

static bool take_digits(const char **s, int count, int *out)
{
	*out = 0;
	for (int i = 0; i < count; i++, ++*s) {
		if (**s < '0' || **s > '9')
			return false;
		*out = *out * 10 + (**s - '0');
	}
	return true;
}

static bool take_char(const char **s, const char *any)
{
	return **s && strchr(any, **s) ? (++*s, true) : false;
}

/* Up to nine decimals; more are read and dropped. */
static bool take_fraction(const char **s, uint64_t *ns)
{
	uint64_t unit = NS_PER_SECOND / 10;

	*ns = 0;
	if (**s != '.' && **s != ',')
		return true;
	++*s;
	if (**s < '0' || **s > '9')
		return false;
	for (; **s >= '0' && **s <= '9'; ++*s, unit /= 10)
		*ns += (uint64_t)(**s - '0') * unit;
	return true;
}

static bool take_offset(const char **s, int *seconds)
{
	int hours, minutes, sign;

	*seconds = 0;
	if (take_char(s, "Zz"))
		return true;
	if (**s != '+' && **s != '-')
		return false;
	sign = *(*s)++ == '-' ? -1 : 1;
	if (!take_digits(s, 2, &hours) || !take_char(s, ":") || !take_digits(s, 2, &minutes) ||
	    hours > 23 || minutes > 59)
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool take_date_and_time(const char **s, struct tm *tm)
{
	return take_digits(s, 4, &tm->tm_year) && take_char(s, "-") &&
	       take_digits(s, 2, &tm->tm_mon) && take_char(s, "-") &&
	       take_digits(s, 2, &tm->tm_mday) && take_char(s, "Tt ") &&
	       take_digits(s, 2, &tm->tm_hour) && take_char(s, ":") &&
	       take_digits(s, 2, &tm->tm_min) && take_char(s, ":") &&
	       take_digits(s, 2, &tm->tm_sec);
}

bool clock_parse_rfc3339(const char *text, uint64_t *ns)
{
	struct tm tm = {0}, normal;
	const char *s = text;
	uint64_t fraction;
	int offset;
	time_t t;

	if (!take_date_and_time(&s, &tm) || !take_fraction(&s, &fraction) ||
	    !take_offset(&s, &offset) || *s != '\0')
		return false;
	if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	normal = tm;
	t = timegm(&normal);
	/* timegm() turns 30 February into 1 March: then there was no such day. */
	if (normal.tm_mday != tm.tm_mday && tm.tm_sec < 60)
		return false;
	if (tm.tm_mon > 11 || t < offset)
		return false;
	/* 64 bits of nanoseconds end in the year 2554. */
	return !__builtin_mul_overflow((uint64_t)(t - offset), NS_PER_SECOND, ns) &&
	       !__builtin_add_overflow(*ns, fraction, ns);
}

void clock_format_timedelta(uint64_t seconds, char *out, size_t bytes)
{
	uint64_t days = seconds / 86400;
	char date[40] = "";

	if (days)
		snprintf(date, sizeof(date), "%" PRIu64 " day%s, ", days, days == 1 ? "" : "s");
	snprintf(out, bytes, "%s%" PRIu64 ":%02u:%02u", date, seconds % 86400 / 3600,
	    (unsigned)(seconds % 3600 / 60), (unsigned)(seconds % 60));
}

void clock_format_uptime(uint64_t seconds, char *out, size_t bytes)
{
	unsigned days = (unsigned)(seconds / 86400), hours = (unsigned)(seconds % 86400 / 3600);
	unsigned minutes = (unsigned)(seconds % 3600 / 60), rest = (unsigned)(seconds % 60);

	if (days)
		snprintf(out, bytes, "%ud %uh %um %us", days, hours, minutes, rest);
	else if (hours)
		snprintf(out, bytes, "%uh %um %us", hours, minutes, rest);
	else if (minutes)
		snprintf(out, bytes, "%um %us", minutes, rest);
	else
		snprintf(out, bytes, "%us", rest);
}
