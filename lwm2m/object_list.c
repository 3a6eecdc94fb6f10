/* SPDX-License-Identifier: Apache-2.0 */
/* The object list of a registration (REG-07 to REG-09). */
#include "lwm2m/format.h"
#include "lwm2m/link.h"
#include "lwm2m/version.h"

#include <stdlib.h>
#include <string.h>

static bool hidden(uint16_t oid)
{
	return oid == 0 || oid == 21 || oid == 23 || oid == 24;
}

/* Takes the next word off the front of a list separated by spaces; empty at the end. */
static struct span next_word(struct span *rest)
{
	size_t from = 0, to;
	struct span word;

	while (from < rest->n && rest->p[from] == ' ')
		from++;
	for (to = from; to < rest->n && rest->p[to] != ' ';)
		to++;
	word = span_sub(*rest, from, to - from);
	*rest = span_sub(*rest, to, rest->n);
	return word;
}

static bool is_root(const struct lwm_link *l)
{
	const struct lwm_link_attr *rt = lwm_link_attr(l, "rt");
	struct span rest = rt ? rt->value : SPAN_EMPTY, word;

	while ((word = next_word(&rest)).n)
		if (span_eq_str(word, "oma.lwm2m"))
			return true;
	return false;
}

static uint32_t format_bit(struct span number)
{
	size_t n;
	const struct lwm_format *all = lwm_format_table(&n), *f;
	uint64_t cf;

	if (span_to_u64(number, UINT16_MAX, &cf))
		return 0;
	f = lwm_format((uint32_t)cf);
	for (size_t i = 0; i < n; i++)
		if (f == &all[i])
			return (uint32_t)1 << i;
	return 0;
}

/* ct=110 or ct="110 112 60"; what we do not know is left out. */
static void read_formats(const struct lwm_link *l, struct lwm_object_list *out)
{
	const struct lwm_link_attr *ct = lwm_link_attr(l, "ct");
	struct span rest = ct ? ct->value : SPAN_EMPTY, word;

	while ((word = next_word(&rest)).n)
		out->formats |= format_bit(word);
}

static bool is_digits(struct span s)
{
	uint64_t v;

	return s.n && span_to_u64(s, UINT64_MAX, &v) != ERR_SYNTAX;
}

/* Our requests will start with it, so it has to be plain: absolute, no empty segment, nothing to be
 * decoded, and no number that could be an id (GEN-06). */
static bool alt_good(struct span alt)
{
	size_t from = 1;

	if (alt.n < 2 || alt.p[0] != '/' || memchr(alt.p, '%', alt.n) || memchr(alt.p, '?', alt.n))
		return false;
	for (size_t i = 1; i <= alt.n; i++) {
		if (i < alt.n && alt.p[i] != '/')
			continue;
		if (i == from || is_digits(span_sub(alt, from, i - from)))
			return false;
		from = i + 1;
	}
	return true;
}

/* The root link: with rt, or "/" as such (some give only ct). */
static enum err read_root(const struct lwm_link *l, struct lwm_object_list *out)
{
	struct lwm_path p;

	if (!span_eq_str(l->target, "/") && !is_root(l))
		return ERR_OK;
	read_formats(l, out);
	if (out->alt[0] || lwm_path_parse(l->target, &p) == ERR_OK)
		return ERR_OK;
	return alt_good(l->target) ? span_to_str(l->target, out->alt, sizeof(out->alt))
				   : ERR_SYNTAX;
}

/* True for a link to an object or an instance that counts. Targets without the alternate path are
 * meant below it (CT-30). */
static bool is_object(const struct lwm_object_list *l, struct span target, struct lwm_path *out)
{
	struct span alt = span_str(l->alt);

	if (alt.n && span_eq(span_sub(target, 0, alt.n), alt))
		target = span_sub(target, alt.n, target.n);
	if (target.n == 0 || target.p[0] != '/' || lwm_path_parse(target, out))
		return false;
	return (out->n == 1 || out->n == 2) && !hidden(out->id[0]);
}

/* First pass: the root link, which may stand anywhere, and whether all of it can be read. */
static enum err scan(struct span payload, struct lwm_object_list *out, size_t *links)
{
	struct lwm_link l;
	enum err e;

	*links = 0;
	while ((e = lwm_link_next(&payload, &l)) == ERR_OK) {
		if (!l.target.p)
			return ERR_SYNTAX;
		e = read_root(&l, out);
		if (e)
			return ERR_SYNTAX;
		++*links;
	}
	return e == ERR_NOTFOUND ? ERR_OK : e;
}

static int by_instance(const void *a, const void *b)
{
	const struct lwm_instance *p = a, *q = b;

	if (p->oid != q->oid)
		return p->oid < q->oid ? -1 : 1;
	return (p->iid > q->iid) - (p->iid < q->iid);
}

static int by_object(const void *a, const void *b)
{
	const struct lwm_object_version *p = a, *q = b;

	if (p->oid != q->oid)
		return p->oid < q->oid ? -1 : 1;
	return (p->version > q->version) - (p->version < q->version);
}

/* Drops repeats, and "no instance" (the last of its object) where there is one. */
static void unique_instances(struct lwm_object_list *l)
{
	uint16_t n = 0;

	if (l->inst_n)
		qsort(l->inst, l->inst_n, sizeof(l->inst[0]), by_instance);
	for (uint16_t i = 0; i < l->inst_n; i++) {
		struct lwm_instance at = l->inst[i];

		if (n && l->inst[n - 1].oid == at.oid &&
			(at.iid == LWM_ID_NONE || l->inst[n - 1].iid == at.iid))
			continue;
		l->inst[n++] = at;
	}
	l->inst_n = n;
}

static void unique_versions(struct lwm_object_list *l)
{
	uint16_t n = 0;

	if (l->ver_n)
		qsort(l->ver, l->ver_n, sizeof(l->ver[0]), by_object);
	for (uint16_t i = 0; i < l->ver_n; i++)
		if (!n || l->ver[n - 1].oid != l->ver[i].oid)
			l->ver[n++] = l->ver[i];
	l->ver_n = n;
}

/* Second pass: into arrays that hold LWM_LIST_MAX at most. A bad `ver` is no error: a hint only
 * (CT-28). */
static enum err collect(struct span payload, struct lwm_object_list *out)
{
	struct lwm_link l;
	struct lwm_path p;
	uint8_t version;

	while (lwm_link_next(&payload, &l) == ERR_OK) {
		const struct lwm_link_attr *ver = lwm_link_attr(&l, "ver");

		if (!is_object(out, l.target, &p))
			continue;
		if (out->inst_n == LWM_LIST_MAX)
			return ERR_LIMIT;
		out->inst[out->inst_n++] =
			(struct lwm_instance){p.id[0], p.n == 2 ? p.id[1] : LWM_ID_NONE};
		if (ver && lwm_version_parse(ver->value, &version) == ERR_OK)
			out->ver[out->ver_n++] = (struct lwm_object_version){p.id[0], version};
	}
	return ERR_OK;
}

/* Gives back what a list of n items does not need; the old block serves if that fails. */
static void *shrink(void *block, size_t n, size_t item_bytes)
{
	void *smaller;

	if (n == 0) {
		free(block);
		return NULL;
	}
	smaller = realloc(block, n * item_bytes);
	return smaller ? smaller : block;
}

enum err lwm_object_list_parse(struct span payload, struct lwm_object_list *out)
{
	size_t links, cap;
	enum err e;

	*out = (struct lwm_object_list){0};
	e = scan(payload, out, &links);
	if (e)
		goto out;
	cap = links < LWM_LIST_MAX ? links : LWM_LIST_MAX;
	out->inst = malloc((cap + 1) * sizeof(out->inst[0]));
	out->ver = malloc((cap + 1) * sizeof(out->ver[0]));
	e = out->inst && out->ver ? collect(payload, out) : ERR_NOMEM;
	if (e)
		goto out;
	unique_instances(out);
	unique_versions(out);
	out->inst = shrink(out->inst, out->inst_n, sizeof(out->inst[0]));
	out->ver = shrink(out->ver, out->ver_n, sizeof(out->ver[0]));
out:
	if (e)
		lwm_object_list_fini(out);
	return e;
}

void lwm_object_list_fini(struct lwm_object_list *l)
{
	free(l->inst);
	free(l->ver);
	*l = (struct lwm_object_list){0};
}

/* Where (oid, iid) stands, or would. */
static size_t place(const struct lwm_object_list *l, uint16_t oid, uint16_t iid)
{
	size_t from = 0, to = l->inst_n;
	struct lwm_instance want = {oid, iid};

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (by_instance(&l->inst[mid], &want) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

bool lwm_object_list_has(const struct lwm_object_list *l, uint16_t oid, uint16_t iid)
{
	size_t at = place(l, oid, iid == LWM_ID_NONE ? 0 : iid);

	return at < l->inst_n && l->inst[at].oid == oid &&
	       (iid == LWM_ID_NONE || l->inst[at].iid == iid);
}

uint8_t lwm_object_list_version(const struct lwm_object_list *l, uint16_t oid, uint8_t lwm2m)
{
	for (uint16_t i = 0; i < l->ver_n; i++)
		if (l->ver[i].oid == oid)
			return l->ver[i].version;
	return lwm_default_version(oid, lwm2m);
}

/* Links that lwm_object_list_write makes: an object has its own for its version, or if it has no
 * instance. */
static size_t links_of(const struct lwm_object_list *l)
{
	size_t n = l->inst_n, ver = 0;

	for (uint16_t i = 0; i < l->inst_n; i++) {
		bool first = i == 0 || l->inst[i].oid != l->inst[i - 1].oid;

		if (!first || ver == l->ver_n || l->ver[ver].oid != l->inst[i].oid)
			continue;
		n += l->inst[i].iid != LWM_ID_NONE;
		ver++;
	}
	return n;
}

enum err lwm_object_list_add(struct lwm_object_list *l, uint16_t oid, uint16_t iid, bool *changed)
{
	size_t at = place(l, oid, iid);
	struct lwm_instance *more;

	*changed = false;
	if (hidden(oid) || iid == LWM_ID_NONE || lwm_object_list_has(l, oid, iid))
		return ERR_OK;
	if (links_of(l) >= LWM_LIST_MAX)
		return ERR_LIMIT;
	/* "No instance", which it replaces, is the last of its object. */
	if (at < l->inst_n && l->inst[at].oid == oid && l->inst[at].iid == LWM_ID_NONE) {
		l->inst[at].iid = iid;
		*changed = true;
		return ERR_OK;
	}
	more = malloc((l->inst_n + 1u) * sizeof(*more));
	if (!more)
		return ERR_NOMEM;
	if (l->inst_n) {
		memcpy(more, l->inst, at * sizeof(*more));
		memcpy(&more[at + 1], &l->inst[at], (l->inst_n - at) * sizeof(*more));
	}
	free(l->inst);
	more[at] = (struct lwm_instance){oid, iid};
	l->inst = more;
	l->inst_n++;
	*changed = true;
	return ERR_OK;
}

bool lwm_object_list_remove(struct lwm_object_list *l, uint16_t oid, uint16_t iid)
{
	size_t at = place(l, oid, iid), last = l->inst_n - 1u;

	if (iid == LWM_ID_NONE || !lwm_object_list_has(l, oid, iid))
		return false;
	if ((at == 0 || l->inst[at - 1].oid != oid) && (at == last || l->inst[at + 1].oid != oid)) {
		l->inst[at].iid = LWM_ID_NONE;
		return true;
	}
	memmove(&l->inst[at], &l->inst[at + 1], (last - at) * sizeof(l->inst[0]));
	l->inst_n--;
	l->inst = shrink(l->inst, l->inst_n, sizeof(l->inst[0]));
	return true;
}

static void write_formats(uint32_t formats, struct writer *w)
{
	size_t n;
	const struct lwm_format *all = lwm_format_table(&n);
	const char *sep = ";ct=\"";

	for (size_t i = 0; i < n; i++) {
		if (!(formats >> i & 1))
			continue;
		wr_fmt(w, "%s%u", sep, all[i].cf);
		sep = " ";
	}
	if (formats)
		wr_u8(w, '"');
}

/* The object's own link is needed for its version, or if there is no instance. */
static bool write_object(const struct lwm_object_list *l, uint16_t i, uint16_t *ver,
	const char **sep, struct writer *w)
{
	uint16_t oid = l->inst[i].oid;
	bool versioned = *ver < l->ver_n && l->ver[*ver].oid == oid;

	if (!versioned && l->inst[i].iid != LWM_ID_NONE)
		return false;
	wr_fmt(w, "%s</%u>", *sep, oid);
	*sep = ",";
	if (versioned) {
		wr_str(w, ";ver=");
		wr_version(w, l->ver[(*ver)++].version);
	}
	return true;
}

enum err lwm_object_list_write(const struct lwm_object_list *l, struct writer *w)
{
	const char *sep = "";
	uint16_t ver = 0;
	size_t links = 0;

	if (l->alt[0] || l->formats) {
		wr_fmt(w, "<%s>;rt=\"oma.lwm2m\"", l->alt[0] ? l->alt : "/");
		write_formats(l->formats, w);
		sep = ",";
	}
	for (uint16_t i = 0; i < l->inst_n; i++) {
		if (i == 0 || l->inst[i].oid != l->inst[i - 1].oid)
			links += write_object(l, i, &ver, &sep, w);
		if (l->inst[i].iid == LWM_ID_NONE)
			continue;
		links++;
		wr_fmt(w, "%s</%u/%u>", sep, l->inst[i].oid, l->inst[i].iid);
		sep = ",";
	}
	return !w->err && links > LWM_LIST_MAX ? ERR_LIMIT : w->err;
}
