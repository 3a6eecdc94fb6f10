/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware as the REST interface asks for it: uploads, images, updates. */
#include "cmd/core_impl.h"

#include <stdio.h>
#include <string.h>

enum { UPLOAD_IDLE_MS = 600000 }; /* then another may take its place */

const char *core_firmware_uri(const struct cfg *g)
{
	return g->firmware_uri[0] ? g->firmware_uri : g->uri;
}

static enum err read_image(
	void *arg, const uint8_t sha256[static SRV_SHA256], uint64_t at, uint8_t *buf, size_t n)
{
	const struct core *c = arg;
	return c->opts.images->read(c->opts.images->arg, sha256, at, buf, n);
}

struct srv_image_files core_image_files(struct core *c)
{
	return (struct srv_image_files){c->opts.images ? read_image : NULL, c};
}

static bool keeps(void *arg, const uint8_t sha256[static STORE_SHA256])
{
	return srv_image_wanted(((struct core *)arg)->srv, sha256);
}

void core_images_sweep(struct core *c)
{
	if (c->opts.images)
		c->opts.images->sweep(c->opts.images->arg, keeps, c);
}

void core_image_gone(struct core *c, const uint8_t sha256[static STORE_SHA256])
{
	if (c->opts.images && c->up && !keeps(c, sha256))
		c->opts.images->remove(c->opts.images->arg, sha256);
}

/* ---- uploads */

static struct core_upload *find_upload(struct core *c, struct span name)
{
	for (size_t i = 0; i < CORE_UPLOADS_MAX; i++)
		if (c->upload[i].id && span_eq_str(name, c->upload[i].name))
			return &c->upload[i];
	return NULL;
}

static void upload_end(struct core_upload *u)
{
	const struct core_images *im = u->core->opts.images;
	if (!u->sealing)
		im->drop(im->arg, u->id);
	u->id = 0;
}

/* One that is free, or that nobody has sent anything to for long. */
static struct core_upload *new_upload(struct core *c, struct span name)
{
	for (size_t i = 0; i < CORE_UPLOADS_MAX; i++) {
		struct core_upload *u = &c->upload[i];
		if (u->id && !u->sealing && c->boot_ms - u->last_ms > UPLOAD_IDLE_MS)
			upload_end(u);
		if (u->id)
			continue;
		*u = (struct core_upload){.core = c, .id = ++c->next_upload};
		if (!span_to_str(name, u->name, sizeof(u->name)))
			return u;
		u->id = 0;
	}
	return NULL;
}

/* Of all that is here or on its way. */
static uint64_t all_bytes(const struct core *c, const char *but)
{
	uint64_t n = 0;
	for (const struct srv_image *i = srv_images(c->srv); i; i = i->next)
		n += strcmp(i->name, but) ? i->bytes : 0;
	for (size_t i = 0; i < CORE_UPLOADS_MAX; i++)
		if (c->upload[i].id && strcmp(c->upload[i].name, but) != 0)
			n += c->upload[i].bytes;
	return n;
}

static void refuse_err(struct core *c, uint64_t ticket, enum err err)
{
	if (err == ERR_BUSY)
		core_refuse(c, ticket, 409, "conflict",
			"an update that is not over uses the image of this name");
	else if (err == ERR_FULL)
		core_refuse(c, ticket, 507, "limit", "the disk is full");
	else
		core_refuse(c, ticket, 503, "storage-unavailable", err_text(err));
}

static bool allowed(struct core *c, const struct adm_image_piece *p, uint64_t ticket)
{
	const struct cfg *g = c->opts.cfg;
	char name[SRV_IMAGE_NAME_MAX + 1];
	if (!srv_image_name_good(p->name) || span_to_str(p->name, name, sizeof(name))) {
		turn_refuse(core_cur(c), ticket, 422, "invalid", "name",
			"an image's name is 1 to 64 letters, digits, dots, dashes and underscores, "
			"and does not begin with a dot");
	} else if (!c->opts.images) {
		core_refuse(c, ticket, 503, "storage-unavailable", "there is no place for images");
	} else if (!p->total) {
		turn_refuse(core_cur(c), ticket, 422, "invalid", "", "an image is not empty");
	} else if (p->total > g->firmware_max_bytes) {
		core_refuse(c, ticket, 413, "too-large",
			"the image is longer than [server] firmware_max_bytes allows");
	} else if (all_bytes(c, name) + p->total > g->firmware_total_bytes) {
		core_refuse(c, ticket, 507, "limit",
			"all images together would be longer than [server] firmware_total_bytes");
	} else {
		return true;
	}
	return false;
}

static struct core_upload *upload_of(
	struct core *c, const struct adm_image_piece *p, uint64_t ticket)
{
	struct core_upload *u = find_upload(c, p->name);
	if (u && u->sealing) {
		core_refuse(c, ticket, 409, "conflict", "it is being stored already");
		return NULL;
	}
	if (!p->at) {
		if (u)
			upload_end(u);
		u = new_upload(c, p->name);
		if (!u) {
			core_refuse(c, ticket, 503, "overload",
				"too many images are being uploaded; try again later");
			return NULL;
		}
		u->bytes = p->total;
		u->once = p->once;
		return u;
	}
	if (u && u->n == p->at && u->bytes == p->total)
		return u;
	core_refuse(c, ticket, 409, "conflict",
		"no upload of this name and length has come so far: begin at 0");
	return NULL;
}

static void sealed(struct store_image_seal *s)
{
	struct core_upload *u = (struct core_upload *)s;
	struct core *c = u->core;
	enum err err = s->result;
	c->opts.io.wake(c->opts.io.arg);
	if (!err && s->bytes != u->bytes)
		err = ERR_IO;
	if (!err && c->failed)
		err = c->failed;
	if (!err && c->up)
		err = srv_image_put(
			c->srv, span_str(u->name), s->sha256, u->bytes, u->once, core_cur(c));
	if (err)
		core_image_gone(c, s->sha256);
	if (err)
		refuse_err(c, u->ticket, err);
	else
		turn_done(core_cur(c), u->ticket, 201, NULL, NULL);
	u->id = 0;
}

static void image_add(void *arg, const struct adm_image_piece *p, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	if (!core_call_begin(c, done, done_arg, &ticket) || !allowed(c, p, ticket))
		return;
	struct core_upload *u = upload_of(c, p, ticket);
	if (!u)
		return;
	enum err err = p->at + p->bytes.n > u->bytes
			       ? ERR_RANGE
			       : c->opts.images->add(c->opts.images->arg, u->id, p->at, p->bytes);
	if (err) {
		upload_end(u);
		refuse_err(c, ticket, err);
		return;
	}
	u->n += p->bytes.n;
	u->last_ms = c->boot_ms;
	if (u->n < u->bytes) {
		turn_effect(core_cur(c), EFFECT_DONE)->done = (struct effect_done){
			.ticket = ticket, .status = 202, .content_format = -1, .bytes = u->n};
		return;
	}
	u->sealing = true;
	u->ticket = ticket;
	u->seal = (struct store_image_seal){.upload = u->id, .done = sealed, .arg = u};
	c->opts.images->seal(c->opts.images->arg, &u->seal);
}

/* ---- images */

static void image_delete(void *arg, struct span name, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	enum err err = srv_image_delete(c->srv, name, core_cur(c));
	if (err == ERR_NOTFOUND)
		core_refuse(c, ticket, 404, "unknown-image", "there is no image of this name");
	else if (err)
		refuse_err(c, ticket, err);
	else
		turn_done(core_cur(c), ticket, 204, NULL, NULL);
}

static enum err image_list(void *arg, struct span name, adm_image_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	bool any = !name.n;
	if (!c->up)
		return core_not_found(c);
	for (const struct srv_image *i = srv_images(c->srv); i; i = i->next) {
		struct adm_image_view v = {.name = i->name,
			.sha256 = SPAN_OF(i->sha256),
			.bytes = i->bytes,
			.created_wall_s = i->created_wall_s,
			.uses = i->uses,
			.once = i->once};
		if (name.n && !span_eq_str(name, i->name))
			continue;
		any = true;
		fn(cb_arg, &v);
	}
	return any ? ERR_OK : ERR_NOTFOUND;
}

/* ---- updates */

static void tell(const struct srv_fw_view *f, adm_firmware_fn *fn, void *cb_arg)
{
	struct adm_firmware_view v = {.endpoint = ep_name(f->endpoint),
		.state = f->state,
		.method = f->method == SRV_FW_PUSH ? "push" : "pull",
		.image = f->image,
		.uri = f->uri,
		.detail = f->detail,
		.result_text = f->result_text,
		.waiting = f->waiting,
		.over = f->step == SRV_FW_OVER,
		.sent = f->sent,
		.bytes = f->bytes,
		.result = f->device_result,
		.created_wall_s = f->created_wall_s,
		.changed_wall_s = f->changed_wall_s};
	fn(cb_arg, &v);
}

static enum err firmware_list(void *arg, struct span name, adm_firmware_fn *fn, void *cb_arg)
{
	struct core *c = arg;
	struct srv_fw_view v;
	struct endpoint *e = core_find(c, name);
	if (!c->up || (name.n && !e))
		return core_not_found(c);
	if (name.n) {
		if (!srv_firmware_view(c->srv, e, &v))
			return ERR_STATE;
		tell(&v, fn, cb_arg);
		return ERR_OK;
	}
	size_t cursor = 0;
	while (srv_firmware_next(c->srv, &cursor, &v))
		tell(&v, fn, cb_arg);
	return ERR_OK;
}

static void firmware_start(void *arg, struct span name, const struct adm_firmware *f,
	adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	struct srv_fw_request r = {.endpoint = core_known(c, name, ticket),
		.method = f->pull ? SRV_FW_PULL : SRV_FW_PUSH,
		.image = f->image,
		.uri = f->uri,
		.ticket = ticket};
	if (r.endpoint)
		srv_firmware_start(c->srv, &r, core_cur(c));
}

static void firmware_cancel(void *arg, struct span name, adm_done_fn *done, void *done_arg)
{
	struct core *c = arg;
	uint64_t ticket;
	if (!core_call_begin(c, done, done_arg, &ticket))
		return;
	struct endpoint *e = core_known(c, name, ticket);
	if (e)
		srv_firmware_cancel(c->srv, e, ticket, core_cur(c));
}

void core_firmware_ops(struct adm_ops *out)
{
	out->image_add = image_add;
	out->image_delete = image_delete;
	out->image_list = image_list;
	out->firmware_list = firmware_list;
	out->firmware_start = firmware_start;
	out->firmware_cancel = firmware_cancel;
}
