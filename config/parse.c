/* SPDX-License-Identifier: Apache-2.0 */
/* libinih splits "key = value"; everything it is silent about is done by the reader that feeds it:
 * line numbers, over-long lines, sections without keys, section names of 50 bytes and more, and
 * lines that are neither. The reader also removes leading space, so that libinih never sees a
 * continuation line, however it was built. */
#include "config/parse.h"

#include "base/text.h"

#include <ini.h>
#include <stdarg.h>
#include <string.h>

enum { SHOW = 80 };

void cfg_parse_error(struct cfg_parse *p, const char *file, uint32_t line, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (p->error_n++ >= CFG_ERRORS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->tell(p->tell_arg, file, line, text);
}

#define FAIL(p, ...) cfg_parse_error((p), (p)->file, (p)->line, __VA_ARGS__)

/* Text of the file, safe for a terminal. */
static const char *show(char buf[static SHOW], const char *text)
{
	struct writer w = wr_make(buf, SHOW - 1);

	wr_escaped(&w, span_str(text));
	buf[w.n] = '\0';
	return buf;
}

static size_t section_names(const char *names[static CFG_SECTIONS_MAX])
{
	size_t n, sections = 0;
	const struct cfg_option *o = cfg_schema(&n);

	for (size_t i = 0; i < n && sections < CFG_SECTIONS_MAX; i++)
		if (sections == 0 || strcmp(names[sections - 1], o[i].section) != 0)
			names[sections++] = o[i].section;
	return sections;
}

static void list_names(struct writer *w, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		wr_fmt(w, "%s%s", i ? ", " : "", names[i]);
}

/* Whether this was in the file already; otherwise remembers that it is now. */
static bool again(struct cfg_parse *p, struct cfg_place *at)
{
	if (at->file == p->file)
		return true;
	*at = (struct cfg_place){p->file, p->line};
	return false;
}

/* The name in "listen NAME", or NULL if it is none. */
static const char *section_name(const char *title)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	size_t n = strcspn(title, " \t");
	const char *name = &title[n + strspn(&title[n], " \t")];
	size_t name_n = strlen(name);

	if (name_n == 0 || name_n >= sizeof(((struct cfg_listen *)0)->name))
		return NULL;
	return strspn(name, allowed) == name_n ? name : NULL;
}

static struct cfg_place *place_of(struct cfg_parse *p, enum cfg_named named, size_t at)
{
	return named == CFG_NAMED_LISTEN ? &p->listen_at[at] : &p->gateway_at[at];
}

static void open_named(struct cfg_parse *p, enum cfg_named named, const char *title)
{
	const char *name = section_name(title), *kind = cfg_named_title(named);
	size_t at = 0, n = cfg_named_n(p->cfg, named);

	if (!name) {
		FAIL(p,
			"[%s NAME] needs a name of 1 to 31 letters, digits, '-', '_' and '.'; "
			"write [%s main], say",
			kind, kind);
		return;
	}
	while (at < n && strcmp(cfg_named_name(p->cfg, named, at), name) != 0)
		at++;
	if (at == cfg_named_max(named)) {
		FAIL(p, "there are more than %zu [%s NAME] sections", cfg_named_max(named), kind);
		return;
	}
	if (again(p, place_of(p, named, at))) {
		FAIL(p,
			"a second [%s %s], the first is in line %u; join them or choose "
			"another name",
			kind, name, place_of(p, named, at)->line);
		return;
	}
	if (at == n)
		cfg_named_add(p->cfg, named, name);
	p->named = at;
	p->section = kind;
}

static bool is_named(const char *word, size_t n, enum cfg_named named)
{
	const char *kind = cfg_named_title(named);

	return n == strlen(kind) && strncmp(word, kind, n) == 0;
}

static enum cfg_named named_of(const char *word, size_t n)
{
	if (is_named(word, n, CFG_NAMED_LISTEN))
		return CFG_NAMED_LISTEN;
	return is_named(word, n, CFG_NAMED_GATEWAY) ? CFG_NAMED_GATEWAY : CFG_NAMED_NONE;
}

static void unknown_section(
	struct cfg_parse *p, const char *title, const char *const *names, size_t n)
{
	char shown[SHOW], word[CFG_LINE_MAX + 1], list[160];
	struct writer w = wr_make(list, sizeof(list) - 1);
	const char *like = NULL, *name;

	if (!span_to_str(span_make(title, strcspn(title, " \t")), word, sizeof(word)))
		like = cfg_suggest(word, names, n);
	list_names(&w, names, n);
	list[w.n] = '\0';
	name = like && named_of(like, strlen(like)) ? " NAME" : "";
	show(shown, title);
	if (like)
		FAIL(p, "unknown section [%s]; did you mean [%s%s]?", shown, like, name);
	else
		FAIL(p, "unknown section [%s]; there are %s", shown, list);
}

static void open_section(struct cfg_parse *p, const char *title)
{
	const char *names[CFG_SECTIONS_MAX];
	size_t n = section_names(names), first = strcspn(title, " \t");

	p->section = NULL;
	p->refused = true;
	if (named_of(title, first)) {
		open_named(p, named_of(title, first), title);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (strcmp(title, names[i]) != 0)
			continue;
		if (again(p, &p->section_at[i]))
			FAIL(p, "a second [%s], the first is in line %u; join them", names[i],
				p->section_at[i].line);
		p->section = names[i];
		return;
	}
	unknown_section(p, title, names, n);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span s)
{
	while (s.n && is_space(s.p[0]))
		s = span_sub(s, 1, s.n);
	while (s.n && is_space(s.p[s.n - 1]))
		s = span_sub(s, 0, s.n - 1);
	return s;
}

/* line begins with '['. */
static void read_section(struct cfg_parse *p, struct span line)
{
	const uint8_t *end = memchr(line.p, ']', line.n);
	size_t at = end ? (size_t)(end - line.p) : 0;
	struct span after = span_sub(line, at + 1, line.n);
	char title[CFG_LINE_MAX + 1];

	p->section = NULL;
	p->refused = true;
	if (!end) {
		FAIL(p, "a section needs its ']'");
		return;
	}
	if (trim(after).n && !(is_space(after.p[0]) && trim(after).p[0] == ';')) {
		FAIL(p, "nothing but a comment (a space and ';') may follow a section's ']'");
		return;
	}
	if (span_to_str(trim(span_sub(line, 1, at - 1)), title, sizeof(title)))
		title[0] = '\0';
	open_section(p, title);
}

/* The next line without space around it; false at the end. */
static bool next_line(struct cfg_parse *p, struct span *out)
{
	const uint8_t *end;
	size_t n;

	if (p->rest.n == 0)
		return false;
	end = memchr(p->rest.p, '\n', p->rest.n);
	n = end ? (size_t)(end - p->rest.p) : p->rest.n;
	*out = trim(span_sub(p->rest, 0, n));
	p->rest = span_sub(p->rest, n + 1, p->rest.n);
	p->line++;
	return true;
}

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
			return true;
	return false;
}

/* Whether the line is one for libinih. */
static bool take_line(struct cfg_parse *p, struct span line, size_t room)
{
	if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
		return false;
	if (line.n > CFG_LINE_MAX || line.n + 2 > room)
		FAIL(p, "the line has %zu bytes; at most %d are possible", line.n, CFG_LINE_MAX);
	else if (has_control(line) || !utf8_valid(line))
		FAIL(p, "the line holds a control character or is not UTF-8");
	else if (line.p[0] == '[')
		read_section(p, line);
	else
		return true;
	return false;
}

static void end_line(struct cfg_parse *p)
{
	if (p->expect)
		FAIL(p, "neither a [section] nor \"key = value\"");
	p->expect = false;
}

static char *reader(char *out, int room, void *arg)
{
	struct cfg_parse *p = arg;
	struct writer w = wr_make(out, room > 0 ? (size_t)room : 0);
	struct span line;

	end_line(p);
	while (next_line(p, &line)) {
		if (!take_line(p, line, w.cap))
			continue;
		p->expect = true;
		wr_bytes(&w, line);
		wr_bytes(&w, span_make("\n", 2)); /* with its NUL */
		return w.err ? NULL : out;
	}
	return NULL;
}

static const struct cfg_option *find(const char *section, const char *key, size_t *at)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(o[i].section, section) == 0 && strcmp(o[i].key, key) == 0) {
			*at = i;
			return &o[i];
		}
	}
	return NULL;
}

/* The section that has such a key, or NULL. */
static const char *elsewhere(const char *key)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].key, key) == 0)
			return o[i].section;
	return NULL;
}

static void unknown_key(struct cfg_parse *p, const char *key)
{
	size_t n, keys = 0;
	const struct cfg_option *o = cfg_schema(&n);
	const char *names[CFG_OPTIONS_MAX], *like, *other = elsewhere(key);
	char shown[SHOW], list[200];
	struct writer w = wr_make(list, sizeof(list) - 1);

	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].section, p->section) == 0)
			names[keys++] = o[i].key;
	list_names(&w, names, keys);
	list[w.n] = '\0';
	like = cfg_suggest(key, names, keys);
	show(shown, key);
	if (other)
		FAIL(p, "unknown key \"%s\" in [%s]; it belongs to [%s]", shown, p->section, other);
	else if (like)
		FAIL(p, "unknown key \"%s\" in [%s]; did you mean \"%s\"?", shown, p->section,
			like);
	else
		FAIL(p, "unknown key \"%s\" in [%s]; there are %s", shown, p->section, list);
}

static void set_option(struct cfg_parse *p, const char *key, const char *value)
{
	size_t at = 0, column;
	const struct cfg_option *o = find(p->section, key, &at);
	struct cfg_place *place;
	char shown[SHOW], why[CFG_WHY];

	if (!o) {
		unknown_key(p, key);
		return;
	}
	column = cfg_named(o) ? 1 + p->named : 0;
	place = &p->option[at][column];
	if (again(p, place)) {
		FAIL(p, "\"%s\" is set already in line %u; remove one", key, place->line);
		return;
	}
	if (cfg_value_set(o, cfg_home(o, p->cfg, p->named), value, why))
		FAIL(p, "\"%s\" is \"%s\", but %s", key, show(shown, value), why);
}

/* libinih's callback. Its section is not used: the reader knows more. It must say 1 for all, or
 * libinih may stop. */
static int on_pair(void *arg, const char *section, const char *key, const char *value)
{
	struct cfg_parse *p = arg;
	char shown[SHOW];

	(void)section;
	if (!p->expect || !value)
		return 1;
	p->expect = false;
	if (p->section)
		set_option(p, key, value);
	else if (!p->refused)
		FAIL(p, "\"%s\" stands before the first [section]", show(shown, key));
	return 1;
}

void cfg_parse_init(struct cfg_parse *p, struct cfg *c, const char *main_file, cfg_error_fn *tell,
	void *tell_arg)
{
	memset(p, 0, sizeof(*p));
	p->cfg = c;
	p->tell = tell;
	p->tell_arg = tell_arg;
	p->main_file = main_file;
	cfg_defaults(c);
	memset(c->listen, 0, sizeof(c->listen));
	c->listen_n = 0;
}

void cfg_parse_text(struct cfg_parse *p, const char *file, struct span text)
{
	static const uint8_t bom[] = {0xef, 0xbb, 0xbf};
	bool has_bom = span_eq(span_sub(text, 0, sizeof(bom)), SPAN_OF(bom));

	p->file = file;
	p->rest = has_bom ? span_sub(text, sizeof(bom), text.n) : text;
	p->line = 0;
	p->expect = p->refused = false;
	p->section = NULL;
	if (ini_parse_stream(reader, p, on_pair, p) < 0)
		cfg_parse_error(p, file, 0, "cannot be parsed: %s", err_text(ERR_NOMEM));
	end_line(p);
}

enum err cfg_parse_end(struct cfg_parse *p)
{
	if (p->error_n == 0)
		cfg_check(p);
	return p->error_n ? ERR_SYNTAX : ERR_OK;
}
