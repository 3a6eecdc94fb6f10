/* SPDX-License-Identifier: Apache-2.0 */
/* lanyardctl: the database as a whole. */
#include "cmd/lanyardctl.h"

#include <stdio.h>

int ctl_unseal(struct ctl *c)
{
	struct ctl_reply r;

	if (!c->opt[CTL_OPT_ONLY_COPY])
		return ctl_usage(ctl_command_find("unseal"),
			"unseal needs --only-copy, which says that no other copy of this database "
			"runs, has run since this one was made, or will run");
	int rc = ctl_call(c, "POST", "/v1/unseal", "{\"only_copy\":true}", 0, &r);

	if (rc == CTL_OK && !ctl_json_done(c, &r))
		puts("The database is open. Every device has to prove itself with an Echo option "
		     "at its next request.");
	ctl_reply_free(&r);
	return rc;
}
