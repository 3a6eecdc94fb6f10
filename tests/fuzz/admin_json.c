/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of the REST interface sends: bodies of each kind (the first byte says which), and
 * request targets. What is accepted keeps the promises of body.h; what is refused says why and
 * never repeats a secret. Values that are accepted can be shown again. */
#include "admin/body.h"
#include "admin/render.h"
#include "admin/url.h"
#include "base/text.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void judge(bool good, const struct adm_fail *fail)
{
	require(good == (fail->status == 0));
	if (good)
		return;
	require(fail->status >= 400 && fail->status < 600 && fail->type && fail->detail[0]);
	require(utf8_valid(span_str(fail->detail)) && utf8_valid(span_str(fail->field)));
}

static void try_settings(struct span s, struct arena *a)
{
	struct adm_fail fail = {0};
	struct adm_settings out;
	bool good = body_settings(s, a, &out, &fail);

	judge(good, &fail);
	if (!good)
		return;
	require(out.has_rd_ep ? out.rd_ep.n >= 1 && out.rd_ep.n <= 255 : out.rd_ep.n == 0);
	require(out.freshness >= 0 && out.freshness <= 3);
	require(!out.nosec || out.has_nosec);
}

static void try_oscore(struct span s, struct arena *a)
{
	struct adm_fail fail = {0};
	struct adm_oscore out;
	bool good = body_oscore(s, a, &out, &fail);

	judge(good, &fail);
	if (!good)
		return;
	require(out.master_secret.n >= 16 && out.master_secret.n <= 64 && out.master_salt.n <= 64);
	require(out.sender_id.n <= 7 && out.recipient_id.n <= 7);
	require(!span_eq(out.sender_id, out.recipient_id));
	require(out.sender_seq < UINT64_C(1) << 40 && out.recipient_seq < UINT64_C(1) << 40);
}

static void try_execute(struct span s, struct arena *a)
{
	struct adm_fail fail = {0};
	struct span out;
	bool good = body_execute(s, a, &out, &fail);

	judge(good, &fail);
	require(!good || out.n == 0 || (out.p[0] >= '0' && out.p[0] <= '9'));
}

static void try_values(struct span s, struct arena *a)
{
	static const struct lwm_path paths[] = {{2, {3, 0}}, {3, {3, 0, 14}}, {3, {5, 0, 0}},
		{3, {6, 0, 7}}, {4, {32000, 0, 1, 2}}, {2, {32000, 1}}};
	struct lwm_records rec;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct adm_fail fail = {0};
		bool good;

		lwm_records_init(&rec, a);
		good = body_values(s, &paths[i], NULL, &rec, &fail);
		judge(good, &fail);
		require(!good || rec.n > 0);
		for (size_t at = 0; good && at < rec.n; at++)
			require(lwm_path_under(&rec.v[at].path, &paths[i]));
	}
}

static void try_url(struct span s, struct arena *a)
{
	const uint8_t *mark = s.n ? memchr(s.p, '?', s.n) : NULL;
	size_t n = mark ? (size_t)(mark - s.p) : s.n;
	struct adm_fail fail = {0};
	struct url u;

	judge(url_parse(span_sub(s, 0, n), span_sub(s, n + 1, s.n), a, &u, &fail), &fail);
}

/* Characters that js_parse refuses as escapes, because json-c bends them: low 16 bits from D800 to
 * DFFF, above U+FFFF. */
static bool bent(struct span s)
{
	for (size_t i = 0; i + 3 < s.n; i++)
		if (s.p[i] >= 0xf0 && (s.p[i + 1] & 0x0f) == 0x0d && s.p[i + 2] >= 0xa0)
			return true;
	return false;
}

/* As a string of ours it reads back, byte for byte if it is UTF-8. */
static void try_text(struct span s)
{
	struct adm_fail fail = {0};
	struct json_object *o;
	struct jo out = {0};

	if (bent(s))
		return;

	jo_object(&out, NULL);
	jo_text(&out, "s", s);
	jo_end_object(&out);
	require(js_parse(span_make(out.p, out.n), &o, &fail));
	require(!utf8_valid(s) || span_eq(js_string(json_object_object_get(o, "s")), s));
	js_free(o);
	jo_free(&out);
}

/* As a device's answer: always JSON that we would accept ourselves, but for its depth. */
static void try_render(struct span s)
{
	static const struct lwm_path paths[] = {
		{1, {3}}, {2, {3, 0}}, {3, {3, 0, 7}}, {3, {5, 0, 0}}};
	static const uint16_t formats[] = {
		LWM_CF_TEXT, LWM_CF_TLV, LWM_CF_SENML_JSON, LWM_CF_SENML_CBOR};
	const struct lwm_codec_opts opts = {0};
	size_t pick = s.n ? s.p[0] % 4u : 0;
	struct adm_fail fail = {0};
	struct json_object *o;
	char *text;

	require(adm_render_notification(&paths[pick], MSG_CONTENT, formats[s.n % 4],
			span_sub(s, 1, s.n), &opts, &text) == ERR_OK);
	require(js_parse(span_str(text), &o, &fail));
	js_free(o);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_sub(span_make(data, size), 1, size);
	struct arena a;

	if (size == 0)
		return 0;
	arena_init(&a, 0);
	switch (data[0] % 7) {
	case 0:
		try_settings(s, &a);
		break;
	case 1:
		try_oscore(s, &a);
		break;
	case 2:
		try_execute(s, &a);
		break;
	case 3:
		try_values(s, &a);
		break;
	case 4:
		try_url(s, &a);
		break;
	case 5:
		try_text(s);
		break;
	default:
		try_render(s);
	}
	arena_fini(&a);
	return 0;
}
