/* SPDX-License-Identifier: Apache-2.0 */
/* lanyardctl: the REST interface by hand. */
#include "cmd/lanyardctl.h"
#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char default_socket[] = "/run/lanyard/admin.sock";

/* -5 and - are operands: values and standard input. */
static bool is_option(const char *s)
{
	return s[0] == '-' && s[1] != '\0' && !(s[1] >= '0' && s[1] <= '9') && s[1] != '.';
}

/* The option that `s` names; *value is what stands behind "=" or directly behind a letter. */
static int find_option(const char *s, const char **value)
{
	bool is_long = s[1] == '-';
	size_t n = is_long ? strcspn(s + 2, "=") : 1;

	*value = NULL;
	for (int i = 0; i < CTL_OPT_N; i++) {
		const struct ctl_option *o = &ctl_options[i];

		if (is_long && strlen(o->name) == n && strncmp(o->name, s + 2, n) == 0) {
			*value = s[2 + n] ? s + 3 + n : NULL;
			return i;
		}
		if (!is_long && o->letter == s[1]) {
			*value = s[2] ? s + 2 : NULL;
			return i;
		}
	}
	return CTL_OPT_N;
}

/* Takes one option and, if it has one, its operand: *at moves to the last word used. */
static int take_option(struct ctl *c, int argc, char **argv, int *at)
{
	const char *value;
	int i = find_option(argv[*at], &value);

	if (i == CTL_OPT_N)
		return ctl_usage(NULL, "unknown option %s", argv[*at]);
	if (!ctl_options[i].operand) {
		if (value)
			return ctl_usage(NULL, "--%s takes no value", ctl_options[i].name);
		c->opt[i] = "";
		return CTL_OK;
	}
	if (!value && *at + 1 < argc)
		value = argv[++*at];
	if (!value)
		return ctl_usage(
			NULL, "--%s needs %s", ctl_options[i].name, ctl_options[i].operand);
	c->opt[i] = value;
	return CTL_OK;
}

static int take_words(struct ctl *c, int argc, char **argv)
{
	bool options = true;
	int rc = CTL_OK;

	for (int at = 1; at < argc && rc == CTL_OK; at++) {
		if (options && strcmp(argv[at], "--") == 0)
			options = false;
		else if (options && is_option(argv[at]))
			rc = take_option(c, argc, argv, &at);
		else
			c->arg[c->arg_n++] = argv[at];
	}
	return rc;
}

static int check(const struct ctl *c, const struct ctl_command *cmd)
{
	uint64_t all = CTL_HAS(CTL_OPT_SOCKET) | CTL_HAS(CTL_OPT_JSON) | CTL_HAS(CTL_OPT_HELP) |
		       cmd->options;

	for (int i = 0; i < CTL_OPT_N; i++)
		if (c->opt[i] && !(all & CTL_HAS(i)))
			return ctl_usage(cmd, "%s takes no --%s", cmd->name, ctl_options[i].name);
	if (c->arg_n < cmd->arg_min)
		return ctl_usage(cmd, "%s needs %s", cmd->name, cmd->operands);
	if (c->arg_n > cmd->arg_max)
		return ctl_usage(cmd, "too many operands for %s", cmd->name);
	return CTL_OK;
}

static int run(struct ctl *c)
{
	const struct ctl_command *cmd;
	int rc;

	if (c->opt[CTL_OPT_VERSION]) {
		puts("lanyardctl " LANYARD_VERSION);
		return CTL_OK;
	}
	if (c->arg_n == 0 && c->opt[CTL_OPT_HELP])
		return ctl_help(NULL);
	if (c->arg_n == 0) {
		(void)ctl_help(NULL);
		return CTL_USAGE;
	}
	cmd = ctl_command_find(c->arg[0]);
	if (!cmd)
		return ctl_usage(NULL, "there is no command %s", c->arg[0]);
	if (c->opt[CTL_OPT_HELP])
		return ctl_help(cmd->name);
	c->arg++;
	c->arg_n--;
	rc = check(c, cmd);
	return rc ? rc : cmd->run(c);
}

int main(int argc, char **argv)
{
	struct ctl c = {0};
	const char **args = calloc((size_t)argc + 1, sizeof(*args));
	const char *env = getenv("LANYARD_SOCKET");
	int rc;

	if (!args || secret_harden_process())
		return ctl_fail("out of memory, or core dumps cannot be switched off");
	c.arg = args;
	arena_init(&c.arena, 0);
	rc = take_words(&c, argc, argv);
	c.socket = c.opt[CTL_OPT_SOCKET] ? c.opt[CTL_OPT_SOCKET]
		   : env && *env         ? env
					 : default_socket;
	if (rc == CTL_OK)
		rc = run(&c);
	if (fflush(stdout) && rc == CTL_OK)
		rc = ctl_fail("cannot write the output");
	arena_fini(&c.arena);
	free(args);
	return rc;
}
