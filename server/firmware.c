/* SPDX-License-Identifier: Apache-2.0 */
/* Images, and which update an endpoint has; what an update does is in firmware_run.c. */
#include "server/server_impl.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- images */

bool srv_image_name_good(struct span name)
{
	if (!name.n || name.n > SRV_IMAGE_NAME_MAX || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i], low = c | 0x20;
		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && c != '.' &&
			c != '-' && c != '_')
			return false;
	}
	return true;
}

const struct srv_image *srv_images(const struct srv *s)
{
	return s->firmware.images;
}

static struct srv_image *find(const struct srv *s, struct span name)
{
	struct srv_image *i = s->firmware.images;
	while (i && !span_eq_str(name, i->name))
		i = i->next;
	return i;
}

const struct srv_image *srv_image_find(const struct srv *s, struct span name)
{
	return find(s, name);
}

bool srv_image_wanted(const struct srv *s, const uint8_t sha256[static SRV_SHA256])
{
	const struct srv_image *i = s->firmware.images;
	while (i && memcmp(i->sha256, sha256, SRV_SHA256))
		i = i->next;
	return i != NULL;
}

static void image_remove(struct srv *s, struct srv_image *i, struct turn *t)
{
	struct srv_image **at = &s->firmware.images;
	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	turn_rec(t, REC_IMAGE_DEL)->del.id = i->id;
	memcpy(turn_effect(t, EFFECT_IMAGE_GONE)->sha256, i->sha256, SRV_SHA256);
	free(i);
}

static struct srv_image *image_new(
	struct srv *s, struct span name, const uint8_t sha256[static SRV_SHA256])
{
	struct srv_image *i = calloc(1, sizeof(*i));
	if (!i)
		return NULL;
	if (span_to_str(name, i->name, sizeof(i->name))) {
		free(i);
		return NULL;
	}
	i->srv = s;
	memcpy(i->sha256, sha256, SRV_SHA256);
	i->next = s->firmware.images;
	s->firmware.images = i;
	return i;
}

enum err srv_image_put(struct srv *s, struct span name, const uint8_t sha256[static SRV_SHA256],
	uint64_t bytes, bool once, struct turn *t)
{
	struct srv_image *old = find(s, name), *i;
	if (old && old->uses && memcmp(old->sha256, sha256, SRV_SHA256))
		return ERR_BUSY;
	if (old && !memcmp(old->sha256, sha256, SRV_SHA256)) {
		i = old;
	} else {
		if (old)
			image_remove(s, old, t);
		i = image_new(s, name, sha256);
		if (!i)
			return ERR_NOMEM;
		i->id = s->dir->next_id++;
		i->bytes = bytes;
		i->created_wall_s = t->wall_ms / 1000;
	}
	i->once = once && (!old || i->once); /* what was to stay does */
	struct span n = turn_dup(t, span_str(i->name)), sum = turn_dup(t, SPAN_OF(i->sha256));
	turn_rec(t, REC_IMAGE_PUT)->image = (struct rec_image){.id = i->id,
		.name = n,
		.sha256 = sum,
		.bytes = bytes,
		.created_wall_s = i->created_wall_s,
		.once = i->once};
	return ERR_OK;
}

enum err srv_image_delete(struct srv *s, struct span name, struct turn *t)
{
	struct srv_image *i = find(s, name);
	if (!i)
		return ERR_NOTFOUND;
	if (i->uses)
		return ERR_BUSY;
	image_remove(s, i, t);
	return ERR_OK;
}

enum err srv_load_image(struct srv *s, const struct rec_image *r)
{
	if (r->sha256.n != SRV_SHA256 || !srv_image_name_good(r->name))
		return ERR_CORRUPT;
	struct srv_image *i = image_new(s, r->name, r->sha256.p);
	if (!i)
		return ERR_NOMEM;
	i->id = r->id;
	i->bytes = r->bytes;
	i->created_wall_s = r->created_wall_s;
	i->once = r->once;
	return ERR_OK;
}

/* ---- updates */

static struct span key_endpoint(const void *item)
{
	const struct srv_fw *f = item;
	return span_make(&f->endpoint, sizeof(f->endpoint));
}

void srv_fw_init(struct srv *s)
{
	wheel_init(&s->firmware.wheel, s->opts.now_ms);
	map_init(&s->firmware.by_endpoint, key_endpoint, s->opts.seed);
}

static void fw_free(struct srv_fw *f)
{
	if (f->op)
		f->op->fw = NULL;
	wheel_del(&f->srv->firmware.wheel, &f->timer);
	map_remove(&f->srv->firmware.by_endpoint, f);
	free(f);
}

void srv_fw_fini(struct srv *s)
{
	size_t cursor = 0;
	for (struct srv_fw *f; (f = map_next(&s->firmware.by_endpoint, &cursor));)
		fw_free(f);
	map_fini(&s->firmware.by_endpoint);
	for (struct srv_image *i; (i = s->firmware.images);) {
		s->firmware.images = i->next;
		free(i);
	}
}

struct srv_fw *srv_fw_of(const struct srv *s, const struct endpoint *e)
{
	if (!s->firmware.by_endpoint.count)
		return NULL;
	return map_get(&s->firmware.by_endpoint, span_make(&e, sizeof(e)));
}

void srv_fw_record(struct srv_fw *f, struct turn *t)
{
	f->changed_wall_s = t->wall_ms / 1000;
	struct span image = turn_dup(t, span_str(f->image_name)),
		    uri = turn_dup(t, span_str(f->uri)), detail = turn_dup(t, span_str(f->detail));
	turn_rec(t, REC_FIRMWARE_PUT)->firmware = (struct rec_firmware){
		.endpoint_id = f->endpoint->id,
		.method = (uint8_t)f->method,
		.step = (uint8_t)f->step,
		.outcome = (uint8_t)f->outcome,
		.device_result = f->result,
		.executed = f->executed,
		.observing = f->observing,
		.image_id = f->image ? f->image->id : 0,
		.image = image,
		.uri = uri,
		.detail = detail,
		.created_wall_s = f->created_wall_s,
		.changed_wall_s = f->changed_wall_s,
	};
}

static const char *state_of(const struct srv_fw *f)
{
	static const char *const steps[] = {[SRV_FW_CHECK] = "checking",
		[SRV_FW_RESET] = "resetting",
		[SRV_FW_SEND] = "sending",
		[SRV_FW_DOWNLOAD] = "downloading",
		[SRV_FW_UPDATE] = "updating",
		[SRV_FW_CANCEL] = "cancelling"};
	static const char *const outcomes[] = {[SRV_FW_NONE] = "unknown",
		[SRV_FW_SUCCEEDED] = "succeeded",
		[SRV_FW_FAILED] = "failed",
		[SRV_FW_CANCELLED] = "cancelled",
		[SRV_FW_UNKNOWN] = "unknown"};
	return f->step == SRV_FW_OVER ? outcomes[f->outcome] : steps[f->step];
}

const char *srv_fw_result_text(uint8_t result)
{
	static const char *const texts[] = {"", "updated successfully",
		"not enough flash memory for the package", "out of RAM while downloading",
		"connection lost while downloading", "integrity check of the package failed",
		"unsupported package type", "invalid URI", "firmware update failed",
		"unsupported protocol", "update cancelled", "update deferred"};
	return result < sizeof(texts) / sizeof(texts[0]) ? texts[result] : "";
}

void srv_fw_event(struct srv_fw *f, struct turn *t)
{
	uint8_t text[1024];
	struct writer w = wr_make(text, sizeof(text));
	wr_fmt(&w, "{\"state\":\"%s\",\"method\":\"%s\"", state_of(f),
		f->method == SRV_FW_PUSH ? "push" : "pull");
	if (f->image_name[0])
		wr_fmt(&w, ",\"image\":\"%s\"", f->image_name);
	if (f->image && f->step != SRV_FW_OVER)
		wr_fmt(&w, ",\"sent\":%llu,\"bytes\":%llu", (unsigned long long)f->sent,
			(unsigned long long)f->image->bytes);
	if (f->step == SRV_FW_OVER)
		wr_fmt(&w, ",\"result\":%u", f->result);
	if (f->detail[0]) {
		wr_str(&w, ",\"detail\":");
		wr_json_string(&w, span_str(f->detail));
	}
	wr_str(&w, "}");
	ep_event(t, f->srv->opts.next_event, "firmware", ep_name(f->endpoint), wr_span(&w));
}

static void image_release(struct srv_fw *f, struct turn *t)
{
	struct srv_image *i = f->image;
	f->image = NULL;
	if (i && !--i->uses && i->once)
		image_remove(f->srv, i, t);
}

/* The device is not asked any more; a question under way has nobody to tell. */
static void let_go(struct srv_fw *f, struct turn *t)
{
	struct srv_op *op = f->op;
	f->op = NULL;
	if (!op)
		return;
	op->fw = NULL;
	if (!op->source.n) /* it may be in the observation's hands, or be answered yet */
		return;
	if (op->request)
		ep_request_end(f->srv->x, op->request, t);
	op->request = NULL;
	srv_op_finish(f->srv, op, t);
}

static void unobserve(struct srv_fw *f, struct turn *t)
{
	struct srv_dm d = {.kind = SRV_CANCEL,
		.endpoint = f->endpoint,
		.path = {3, {5, 0, 3, 0}},
		.content_format = -1};
	if (f->observing)
		srv_cancel(f->srv, &d, t);
	f->observing = false;
}

void srv_fw_over(struct srv_fw *f, enum srv_fw_outcome outcome, const char *detail, struct turn *t)
{
	let_go(f, t);
	f->step = SRV_FW_OVER;
	f->outcome = outcome;
	f->waiting = false;
	f->next = SRV_FW_ASK_NOTHING;
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
	f->srv->firmware.count.outcomes[outcome]++;
	wheel_del(&f->srv->firmware.wheel, &f->timer);
	unobserve(f, t);
	srv_fw_record(f, t);
	srv_fw_event(f, t);
	image_release(f, t);
}

void srv_fw_forget(struct srv *s, struct endpoint *e, struct turn *t)
{
	struct srv_fw *f = srv_fw_of(s, e);
	if (!f)
		return;
	let_go(f, t);
	image_release(f, t);
	turn_rec(t, REC_FIRMWARE_DEL)->del.id = e->id;
	fw_free(f);
}

static struct srv_fw *fw_new(struct srv *s, struct endpoint *e)
{
	struct srv_fw *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->srv = s;
	f->endpoint = e;
	if (!map_put(&s->firmware.by_endpoint, f))
		return f;
	free(f);
	return NULL;
}

/* "coap://HOST:PORT/fw/NAME"; what is configured may end with a slash. */
static bool own_uri(const struct srv *s, const char *name, char out[static SRV_URI_MAX + 1])
{
	const char *base = s->opts.firmware_uri ? s->opts.firmware_uri : "";
	size_t n = strlen(base);
	while (n && base[n - 1] == '/')
		n--;
	int got = snprintf(out, SRV_URI_MAX + 1, "%.*s/fw/%s", (int)n, base, name);
	return n && got > 0 && got <= SRV_URI_MAX;
}

/* A plain path: a query may be lost on the way to the device's own client (CT-59). */
static bool uri_good(struct span uri)
{
	for (size_t i = 0; i < uri.n; i++)
		if (uri.p[i] <= 0x20 || uri.p[i] >= 0x7f)
			return false;
	return uri.n && uri.n <= SRV_URI_MAX;
}

static bool refuse(const struct srv_fw_request *r, int status, const char *type, const char *field,
	const char *detail, struct turn *t)
{
	turn_refuse(t, r->ticket, status, type, field, detail);
	return false;
}

/* Fills image and URI. False: refused. */
static bool take_request(
	struct srv *s, struct srv_fw *f, const struct srv_fw_request *r, struct turn *t)
{
	f->method = r->method;
	if (r->image.n) {
		f->image = find(s, r->image);
		if (!f->image)
			return refuse(r, 404, "unknown-image", "image",
				"there is no image of this name; upload it first", t);
		memcpy(f->image_name, f->image->name, sizeof(f->image_name));
		if (r->method == SRV_FW_PULL && !own_uri(s, f->image->name, f->uri))
			return refuse(r, 422, "invalid", "image",
				"where devices fetch images from is not known: set [server] "
				"firmware_uri or [bootstrap] uri",
				t);
		return true;
	}
	if (r->method == SRV_FW_PUSH)
		return refuse(r, 422, "invalid", "image", "a push needs an image", t);
	if (!uri_good(r->uri) || span_to_str(r->uri, f->uri, sizeof(f->uri)))
		return refuse(r, 422, "invalid", "uri",
			"a URI of at most 255 printable ASCII characters is needed", t);
	return true;
}

static bool may_start(struct srv *s, const struct srv_fw_request *r, struct turn *t)
{
	const struct srv_fw *old = srv_fw_of(s, r->endpoint);
	const struct srv_reg *g = srv_reg_of(r->endpoint);
	if (old && old->step != SRV_FW_OVER)
		return refuse(r, 409, "conflict", "", "an update of this endpoint is under way", t);
	if (g && !lwm_object_list_has(&g->list, 5, 0))
		return refuse(r, 422, "invalid", "",
			"the device has not registered /5/0, the Firmware Update object", t);
	return true;
}

void srv_firmware_start(struct srv *s, const struct srv_fw_request *r, struct turn *t)
{
	if (!may_start(s, r, t))
		return;
	struct srv_fw trial = {.srv = s};
	if (!take_request(s, &trial, r, t))
		return;
	srv_fw_forget(s, r->endpoint, t);
	struct srv_fw *f = fw_new(s, r->endpoint);
	if (!f) {
		refuse(r, 503, "overload", "", "out of memory", t);
		return;
	}
	f->method = trial.method;
	f->image = trial.image;
	memcpy(f->image_name, trial.image_name, sizeof(f->image_name));
	memcpy(f->uri, trial.uri, sizeof(f->uri));
	if (f->image)
		f->image->uses++;
	f->created_wall_s = t->wall_ms / 1000;
	srv_fw_begin(f, t);
	turn_done(t, r->ticket, 201, NULL, NULL);
}

void srv_firmware_cancel(struct srv *s, struct endpoint *e, uint64_t ticket, struct turn *t)
{
	struct srv_fw *f = srv_fw_of(s, e);
	if (!f) {
		turn_done(t, ticket, 404, "no-update", "it has no firmware update");
	} else if (f->step == SRV_FW_OVER) {
		srv_fw_forget(s, e, t);
		turn_done(t, ticket, 204, NULL, NULL);
	} else if (f->executed) {
		turn_done(t, ticket, 409, "conflict",
			"the device was told to update: that cannot be taken back");
	} else if (f->step <= SRV_FW_CHECK || f->step == SRV_FW_CANCEL) {
		srv_fw_over(f, SRV_FW_CANCELLED,
			f->step == SRV_FW_CANCEL ? "the device was not waited for" : "", t);
		turn_done(t, ticket, 204, NULL, NULL);
	} else {
		let_go(f, t);
		srv_fw_cancel(f, t);
		turn_done(t, ticket, 202, NULL, NULL);
	}
}

static void view(const struct srv_fw *f, struct srv_fw_view *out)
{
	*out = (struct srv_fw_view){.endpoint = f->endpoint,
		.method = f->method,
		.step = f->step,
		.outcome = f->outcome,
		.state = state_of(f),
		.image = f->image_name,
		.uri = f->uri,
		.detail = f->detail,
		.waiting = f->waiting,
		.sent = f->sent,
		.bytes = f->image ? f->image->bytes : 0,
		.device_result = f->result,
		.result_text = srv_fw_result_text(f->result),
		.created_wall_s = f->created_wall_s,
		.changed_wall_s = f->changed_wall_s};
}

bool srv_firmware_view(const struct srv *s, const struct endpoint *e, struct srv_fw_view *out)
{
	const struct srv_fw *f = srv_fw_of(s, e);
	if (f)
		view(f, out);
	return f != NULL;
}

bool srv_firmware_next(const struct srv *s, size_t *cursor, struct srv_fw_view *out)
{
	const struct srv_fw *f = map_next(&s->firmware.by_endpoint, cursor);
	if (f)
		view(f, out);
	return f != NULL;
}

const struct srv_fw_counters *srv_fw_counters(const struct srv *s)
{
	return &s->firmware.count;
}

static struct srv_image *image_of_id(const struct srv *s, uint64_t id)
{
	struct srv_image *i = s->firmware.images;
	while (i && i->id != id)
		i = i->next;
	return id ? i : NULL;
}

enum err srv_load_firmware(struct srv *s, struct endpoint *e, const struct rec_firmware *r)
{
	if (r->step > SRV_FW_OVER || r->outcome > SRV_FW_UNKNOWN || r->method < SRV_FW_PUSH ||
		r->method > SRV_FW_PULL)
		return ERR_CORRUPT;
	struct srv_fw *f = fw_new(s, e);
	if (!f)
		return ERR_NOMEM;
	f->method = (enum srv_fw_method)r->method;
	f->step = (enum srv_fw_step)r->step;
	f->outcome = (enum srv_fw_outcome)r->outcome;
	f->result = r->device_result;
	f->executed = r->executed;
	f->observing = r->observing;
	f->created_wall_s = r->created_wall_s;
	f->changed_wall_s = r->changed_wall_s;
	if (span_to_str(r->image, f->image_name, sizeof(f->image_name)) ||
		span_to_str(r->uri, f->uri, sizeof(f->uri)) ||
		span_to_str(r->detail, f->detail, sizeof(f->detail)))
		return ERR_CORRUPT;
	if (f->step == SRV_FW_OVER)
		return ERR_OK;
	f->image = image_of_id(s, r->image_id);
	if (f->image)
		f->image->uses++;
	srv_fw_resume(f);
	return ERR_OK;
}
