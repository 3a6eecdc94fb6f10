/* SPDX-License-Identifier: Apache-2.0 */
#include "config/value.h"

#include <string.h>

static void print_section(const struct cfg_option *o, size_t n, const void *home, FILE *out)
{
	char text[CFG_TEXT_MAX];

	for (size_t i = 0; i < n && strcmp(o[i].section, o[0].section) == 0; i++) {
		if (!cfg_counts(&o[i], home))
			continue;
		cfg_value_text(&o[i], home, text);
		fprintf(out, text[0] ? "%s = %s\n" : "%s =%s\n", o[i].key, text);
	}
}

void cfg_print(const struct cfg *c, FILE *out)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);

	for (size_t i = 0; i < n; i++) {
		if (i && strcmp(o[i].section, o[i - 1].section) == 0)
			continue;
		enum cfg_named named = cfg_named(&o[i]);
		if (!named) {
			fprintf(out, "%s[%s]\n", i ? "\n" : "", o[i].section);
			print_section(&o[i], n - i, c, out);
			continue;
		}
		for (size_t at = 0; at < cfg_named_n(c, named); at++) {
			fprintf(out, "\n[%s %s]\n", o[i].section, cfg_named_name(c, named, at));
			print_section(&o[i], n - i, cfg_home_const(&o[i], c, at), out);
		}
	}
}

static const char head[] =
	"# lanyard.conf: the configuration of lanyardd.\n"
	"# Each option is shown with its default. Files in conf.d/ beside this one are read after\n"
	"# it, in the order of their names; a later file overrides. Comments begin with '#' or "
	"';'\n"
	"# at the start of a line, or with a ';' after a space. A line has at most 197 bytes.\n";

static const char listen_head[] = "\n# One section for each socket; NAME is up to you. If there is "
				  "none, these two are open:\n"
				  "# server on * port 5683 and bootstrap on * port 5783.\n"
				  "#[listen NAME]\n";

static const char gateway_head[] = "\n# One section for each way to devices without IP; see "
				   "lanyard-gateway(7). NAME is part of\n"
				   "# the devices' addresses: keep it. There is none by itself.\n"
				   "#[gateway NAME]\n";

static void print_option(const struct cfg_option *o, FILE *out)
{
	char allowed[200];
	struct writer w = wr_make(allowed, sizeof(allowed) - 1);

	/* Of a text's length and an address' form the help says enough. */
	if (o->type != CFG_TEXT && o->type != CFG_ADDRESS)
		cfg_value_allowed(o, &w);
	allowed[w.n] = '\0';
	fprintf(out, "# %s%s%s%s\n", o->help, w.n ? " (" : "", allowed, w.n ? ")" : "");
	fprintf(out, o->preset[0] ? "#%s = %s\n" : "#%s =%s\n", o->key, o->preset);
}

void cfg_print_example(FILE *out)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);

	fputs(head, out);
	for (size_t i = 0; i < n; i++) {
		bool first = i == 0 || strcmp(o[i].section, o[i - 1].section) != 0;
		if (first && cfg_named(&o[i]))
			fputs(cfg_named(&o[i]) == CFG_NAMED_LISTEN ? listen_head : gateway_head,
				out);
		else if (first)
			fprintf(out, "\n[%s]\n", o[i].section);
		print_option(&o[i], out);
	}
}

/* Text as mdoc takes it: a backslash or a period at the start would be read as something else. */
static void mdoc_text(const char *s, FILE *out)
{
	for (; *s; s++)
		fputs(*s == '\\' ? "\\e" : (char[]){*s, '\0'}, out);
}

static void mdoc_option(const struct cfg_option *o, FILE *out)
{
	char allowed[200];
	struct writer w = wr_make(allowed, sizeof(allowed) - 1);

	if (o->type != CFG_TEXT && o->type != CFG_ADDRESS)
		cfg_value_allowed(o, &w);
	allowed[w.n] = '\0';
	fprintf(out, ".It Cm %s\n", o->key);
	fputc(o->help[0] >= 'a' && o->help[0] <= 'z' ? o->help[0] - 'a' + 'A' : o->help[0], out);
	mdoc_text(o->help + 1, out);
	fputs(".\n", out);
	if (cfg_only(o))
		fprintf(out, "For\n.Ql type = %s .\n", cfg_gateway_type_name(cfg_only(o)));
	if (w.n) {
		fputs("It is ", out);
		mdoc_text(allowed, out);
		fputs(".\n", out);
	}
	if (o->preset[0])
		fprintf(out, "The default is\n.Ql %s .\n", o->preset);
	else
		fputs("The default is empty.\n", out);
	if (o->reloadable)
		fputs("Read again on\n.Dv SIGHUP .\n", out);
}

void cfg_print_mdoc(FILE *out)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);

	for (size_t i = 0; i < n; i++) {
		bool first = i == 0 || strcmp(o[i].section, o[i - 1].section) != 0;
		bool last = i + 1 == n || strcmp(o[i].section, o[i + 1].section) != 0;
		if (first)
			fprintf(out, ".Ss [%s%s]\n.Bl -tag -width Ds\n", o[i].section,
				cfg_named(&o[i]) ? " NAME" : "");
		mdoc_option(&o[i], out);
		if (last)
			fputs(".El\n", out);
	}
}
