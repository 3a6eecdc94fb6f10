/* SPDX-License-Identifier: Apache-2.0 */
/* What may have become of the database and its anchor while no daemon ran: each with what the next
 * start is, and what it says. */
#include "tests/unit/storage/rig.h"

/* Before: $D is the state, $D.old a copy of it that is behind, $D.anchor its anchor, $O another
 * database's. */
static const struct row {
	const char *what, *shell;
	enum err want;
	enum store_seal seal;
	bool rolled_back;
	const char *why; /* of an error */
} rows[] = {
	{"nothing", ":", ERR_OK, STORE_SEAL_NONE, false, ""},
	{"the whole directory was put back", "rm -r $D && cp -r $D.old $D", ERR_OK, STORE_SEAL_NONE,
		true, ""},
	{"and its anchor with it",
		"rm -r $D $D.anchor && cp -r $D.old $D && cp -r $D.olda $D.anchor", ERR_OK,
		STORE_SEAL_NONE, false, ""},
	{"the database was put back, its log was not",
		"cp $D.old/lanyard.db $D/lanyard.db && rm -f $D/lanyard.db-wal", ERR_OK,
		STORE_SEAL_NONE, true, ""},
	{"the anchor is an older one", "cp $D.olda/anchor $D.anchor/anchor", ERR_OK,
		STORE_SEAL_OLDER, false, ""},
	{"the anchor is empty", ": >$D.anchor/anchor", ERR_OK, STORE_SEAL_DAMAGED, false, ""},
	{"the anchor is cut short", "truncate -s 40 $D.anchor/anchor", ERR_OK, STORE_SEAL_DAMAGED,
		false, ""},
	{"the anchor is garbled", "yes | head -c 8192 >$D.anchor/anchor", ERR_OK,
		STORE_SEAL_DAMAGED, false, ""},
	{"the anchor is gone", "rm -r $D.anchor", ERR_OK, STORE_SEAL_MISSING, false, ""},
	{"the anchor's file is gone", "rm $D.anchor/anchor", ERR_OK, STORE_SEAL_MISSING, false, ""},
	{"the anchor is another's", "cp $O.anchor/anchor $D.anchor/anchor", ERR_CONFLICT,
		STORE_SEAL_NONE, false, "is of another database: if this one is to take its place"},
	{"the database is another's", "rm -r $D && cp -r $O $D", ERR_CONFLICT, STORE_SEAL_NONE,
		false, "is of another database: if this one is to take its place"},
	{"a directory is where the anchor's file was",
		"rm $D.anchor/anchor && mkdir $D.anchor/anchor", ERR_IO, STORE_SEAL_NONE, false,
		"anchor/anchor"},
	{"a file is where the anchor's directory was", "rm -r $D.anchor && : >$D.anchor", ERR_IO,
		STORE_SEAL_NONE, false, ".anchor"},
	{"the database was lost, the anchor is there", "rm -r $D", ERR_CONFLICT, STORE_SEAL_NONE,
		false, "is of another database"},
};

static void shell(const struct rig *r, const struct rig *other, const char *text)
{
	char cmd[512];
	snprintf(cmd, sizeof(cmd), "D='%s' O='%s'; %s", r->dir, other->dir, text);
	REQUIRE(!system(cmd), text);
}

/* Started, used and stopped. */
static void life(struct rig *r)
{
	struct rec recs[] = {rec_endpoint_of(1, "device"), rec_context_of(2, 1)};
	REQUIRE(!rig_start(r), r->why);
	REQUIRE(!store_begin(r->s) && !rig_commit(r, recs, 2) && !store_stop(r->s, NULL, 0, 5),
		"a life");
	store_free(r->s);
	r->s = NULL;
}

static void make(struct rig *r)
{
	rig_open(r, true);
	store_free(r->s);
	r->s = NULL;
	life(r);
}

static void run(const struct row *row)
{
	struct rig r, other;
	struct store_stats st = {0};
	make(&r);
	make(&other);
	shell(&r, &other, "cp -r $D $D.old; cp -r $D.anchor $D.olda");
	for (int i = 0; i < 3; i++)
		life(&r);
	shell(&r, &other, row->shell);
	enum err e = rig_start(&r);
	CHECK(e == row->want && (!e || strstr(r.why, row->why)), row->what);
	if (e != row->want || e)
		printf("  %s: %s: %s\n", row->what, err_text(e), r.why);
	if (!e) {
		store_stats(r.s, &st);
		CHECK(st.seal == row->seal && st.rolled_back == row->rolled_back, row->what);
		CHECK(!st.seal || strstr(st.health_text, store_seal_text(st.seal)), "it says why");
		CHECK(st.seal || rig_has(&r, row->rolled_back ? "stale" : "endpoint 1"),
			"all is there, and believed as far as it may be");
		CHECK(!st.seal || (!store_unseal(r.s) && rig_has(&r, "stale")),
			"opened, it is like a rollback");
	}
	store_free(r.s);
	shell(&r, &other, "rm -rf $D $D.anchor $D.old $D.olda $O $O.anchor");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		run(&rows[i]);
	return test_done();
}
