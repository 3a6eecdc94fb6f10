/* SPDX-License-Identifier: Apache-2.0 */
#include "config/value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void *field(const struct cfg_option *o, void *home)
{
	return &((char *)home)[o->offset];
}

static const void *field_const(const struct cfg_option *o, const void *home)
{
	return &((const char *)home)[o->offset];
}

static uint32_t get_u32(const struct cfg_option *o, const void *home)
{
	uint32_t v;

	memcpy(&v, field_const(o, home), sizeof(v));
	return v;
}

static void set_u32(const struct cfg_option *o, void *home, uint32_t v)
{
	memcpy(field(o, home), &v, sizeof(v));
}

static size_t choice_n(const struct cfg_option *o)
{
	size_t n = 0;

	while (o->choices[n])
		n++;
	return n;
}

static void allowed_choices(const struct cfg_option *o, struct writer *w)
{
	size_t n = choice_n(o);

	for (size_t i = o->min; i < n; i++) {
		if (i > o->min)
			wr_str(w, i + 1 < n ? ", " : " or ");
		wr_str(w, o->choices[i]);
	}
}

void cfg_value_allowed(const struct cfg_option *o, struct writer *w)
{
	switch (o->type) {
	case CFG_BOOL:
		wr_str(w, "yes or no");
		return;
	case CFG_UINT:
		wr_fmt(w, "%u to %u%s%s", o->min, o->max, o->unit[0] ? " " : "", o->unit);
		return;
	case CFG_OCTAL:
		wr_fmt(w, "octal, %04o to %04o", o->min, o->max);
		return;
	case CFG_TEXT:
		wr_fmt(w, "%u to %u bytes long", o->min, o->max);
		return;
	case CFG_CHOICE:
		allowed_choices(o, w);
		return;
	case CFG_ADDRESS:
		wr_str(w, "a numeric address such as 192.0.2.1, 2001:db8::1, fe80::1%eth0 or *");
		return;
	}
}

static const struct {
	const char *text;
	bool value;
} bool_words[] = {
	{"yes", true},
	{"no", false},
	{"true", true},
	{"false", false},
	{"on", true},
	{"off", false},
	{"1", true},
	{"0", false},
};

static enum err set_bool(const struct cfg_option *o, void *home, const char *text)
{
	for (size_t i = 0; i < sizeof(bool_words) / sizeof(bool_words[0]); i++) {
		if (strcasecmp(text, bool_words[i].text) == 0) {
			*(bool *)field(o, home) = bool_words[i].value;
			return ERR_OK;
		}
	}
	return ERR_SYNTAX;
}

static enum err set_uint(const struct cfg_option *o, void *home, const char *text)
{
	uint64_t v;
	enum err err = span_to_u64(span_str(text), o->max, &v);

	if (err)
		return err;
	if (v < o->min)
		return ERR_RANGE;
	set_u32(o, home, (uint32_t)v);
	return ERR_OK;
}

static enum err set_octal(const struct cfg_option *o, void *home, const char *text)
{
	size_t n = strlen(text);
	unsigned long v;

	if (n == 0 || n > 5 || strspn(text, "01234567") != n)
		return ERR_SYNTAX;
	v = strtoul(text, NULL, 8);
	if (v < o->min || v > o->max)
		return ERR_RANGE;
	set_u32(o, home, (uint32_t)v);
	return ERR_OK;
}

/* A leading ';' would be a comment when the value is printed and read again. */
static enum err set_text(const struct cfg_option *o, void *home, const char *text)
{
	size_t n = strlen(text);

	if (text[0] == ';')
		return ERR_SYNTAX;
	if (n < o->min || n > o->max || n >= o->size)
		return ERR_RANGE;
	memset(field(o, home), 0, o->size);
	memcpy(field(o, home), text, n);
	return ERR_OK;
}

static enum err set_choice(const struct cfg_option *o, void *home, const char *text)
{
	for (uint32_t i = o->min; o->choices[i]; i++) {
		if (strcasecmp(text, o->choices[i]) == 0) {
			set_u32(o, home, i);
			return ERR_OK;
		}
	}
	return ERR_SYNTAX;
}

/* Whether the interface of a scope exists is known only when the socket opens. */
static bool is_address(const char *text)
{
	struct in6_addr a;
	char host[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, "%");

	if (strcmp(text, "*") == 0 || inet_pton(AF_INET, text, &a) == 1)
		return true;
	if (span_to_str(span_make(text, n), host, sizeof(host)))
		return false;
	if (inet_pton(AF_INET6, host, &a) != 1)
		return false;
	return IN6_IS_ADDR_LINKLOCAL(&a) ? text[n] && text[n + 1] : !text[n];
}

static enum err set_any(const struct cfg_option *o, void *home, const char *text)
{
	switch (o->type) {
	case CFG_BOOL:
		return set_bool(o, home, text);
	case CFG_UINT:
		return set_uint(o, home, text);
	case CFG_OCTAL:
		return set_octal(o, home, text);
	case CFG_TEXT:
		return set_text(o, home, text);
	case CFG_CHOICE:
		return set_choice(o, home, text);
	case CFG_ADDRESS:
		return is_address(text) ? set_text(o, home, text) : ERR_SYNTAX;
	}
	return ERR_UNSUPPORTED;
}

enum err cfg_value_set(
	const struct cfg_option *o, void *home, const char *text, char why[static CFG_WHY])
{
	enum err err = set_any(o, home, text);
	struct writer w = wr_make(why, CFG_WHY - 1);

	why[0] = '\0';
	if (!err)
		return ERR_OK;
	wr_str(&w, "must be ");
	cfg_value_allowed(o, &w);
	if (o->type == CFG_TEXT && text[0] == ';')
		wr_str(&w, " and not begin with ';'");
	if (o->type == CFG_CHOICE) {
		const char *like = cfg_suggest(text, o->choices, choice_n(o));
		if (like)
			wr_fmt(&w, "; did you mean %s?", like);
	}
	why[w.n] = '\0';
	return err;
}

void cfg_value_text(const struct cfg_option *o, const void *home, char out[static CFG_TEXT_MAX])
{
	struct writer w = wr_make(out, CFG_TEXT_MAX - 1);

	switch (o->type) {
	case CFG_BOOL:
		wr_str(&w, *(const bool *)field_const(o, home) ? "yes" : "no");
		break;
	case CFG_UINT:
		wr_fmt(&w, "%u", get_u32(o, home));
		break;
	case CFG_OCTAL:
		wr_fmt(&w, "%04o", get_u32(o, home));
		break;
	case CFG_CHOICE:
		wr_str(&w, o->choices[get_u32(o, home)]);
		break;
	case CFG_TEXT:
	case CFG_ADDRESS:
		wr_str(&w, field_const(o, home));
		break;
	}
	out[w.n] = '\0';
}

bool cfg_value_eq(const struct cfg_option *o, const void *a, const void *b)
{
	if (o->type == CFG_TEXT || o->type == CFG_ADDRESS)
		return strcmp(field_const(o, a), field_const(o, b)) == 0;
	return memcmp(field_const(o, a), field_const(o, b), o->size) == 0;
}
