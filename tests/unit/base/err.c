/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "tests/unit/test.h"

int main(void)
{
	for (int e = ERR_OK; e <= ERR_SEALED; e++) {
		CHECK(strcmp(err_text((enum err)e), "unknown error") != 0,
			"every error has a text");
		for (int other = ERR_OK; other < e; other++)
			CHECK(strcmp(err_text((enum err)e), err_text((enum err)other)) != 0,
				"no two errors share a text");
	}
	CHECK(strcmp(err_text((enum err)(ERR_SEALED + 1)), "unknown error") == 0,
		"beyond the last");
	CHECK(strcmp(err_text((enum err) - 1), "unknown error") == 0, "before the first");
	return test_done();
}
