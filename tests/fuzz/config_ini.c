/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file. What is accepted, printed and read again is the same; what is refused says
 * why. */
#include "config/parse.h"
#include "tests/unit/config/tell.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static enum err parse(struct span text, struct cfg *out, FILE *errors, unsigned *error_n)
{
	struct cfg_parse *p = malloc(sizeof(*p));
	enum err err;

	require(p);
	cfg_parse_init(p, out, "f", tell_file, errors);
	cfg_parse_text(p, "f", text);
	err = cfg_parse_end(p);
	*error_n = p->error_n;
	free(p);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cfg a, b;
	static char said[1 << 16], printed[1 << 16], unused[256];
	unsigned error_n;
	FILE *f = fmemopen(said, sizeof(said), "w");
	enum err err;

	require(f);
	err = parse(span_make(data, size), &a, f, &error_n);
	require(ftell(f) > 0 ? err == ERR_SYNTAX && error_n > 0 : err == ERR_OK && error_n == 0);
	fclose(f);
	if (err)
		return 0;
	f = fmemopen(printed, sizeof(printed), "w");
	require(f);
	cfg_print(&a, f);
	fclose(f);
	f = fmemopen(unused, sizeof(unused), "w");
	require(f);
	err = parse(span_str(printed), &b, f, &error_n);
	fclose(f);
	require(err == ERR_OK && memcmp(&a, &b, sizeof(a)) == 0);
	return 0;
}
