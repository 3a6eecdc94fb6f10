/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/lanyardd_restore.h"

#include "storage/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WHY_MAX = 256 };

/* What was done and what comes, for an operator. */
static void tell_restored(const struct store_restore *r, const char *file)
{
	printf("%s is now the database in %s.\n", file, r->dir);
	if (r->aside[0])
		printf("The one that was there is %s.\n", r->aside);
	if (r->seal)
		printf("At its next start it is sealed until 'lanyardctl unseal --only-copy', "
		       "because "
		       "%s.\n",
			store_seal_text(r->seal));
	puts("Sender numbers will start in a later range, every device has to answer an Echo "
	     "challenge,\nand those whose keys were drawn after the copy was made have to "
	     "bootstrap "
	     "again.");
}

int daemon_restore(const struct cfg *cfg, const char *file)
{
	static struct store_restore r;
	char why[WHY_MAX], when[32];
	time_t now = time(NULL);
	struct tm tm;
	if (!gmtime_r(&now, &tm) || !strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm))
		return EXIT_FAILURE;
	r = (struct store_restore){
		.dir = cfg->dir, .anchor = cfg->anchor, .file = file, .when = when};
	enum err err = store_sqlite_restore(&r, why);
	if (err) {
		fprintf(stderr, "lanyardd: not restored: %s\n", why[0] ? why : err_text(err));
		return EXIT_FAILURE;
	}
	tell_restored(&r, file);
	return EXIT_SUCCESS;
}
