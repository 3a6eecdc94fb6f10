/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of an update (Object 5): Reads, Writes and Executes, one at a time. */
#include "server/firmware_impl.h"

uint8_t srv_fw_object_version(const struct srv_reg *g)
{
	return lwm_object_list_version(&g->list, 5, g->lwm2m);
}

static void start(struct srv_fw *f, struct srv_dm *d, uint16_t rid, struct turn *t)
{
	d->endpoint = f->endpoint;
	d->path = (struct lwm_path){3, {5, 0, rid, 0}};
	d->content_format = -1;
	d->depth = -1;
	d->fw = f;
	srv_dm(f->srv, d, t);
}

static enum err read_image(void *arg, size_t from, uint8_t *buf, size_t n)
{
	struct srv_fw *f = arg;
	const struct srv_image_files *files = &f->srv->opts.files;
	f->sent = from;
	return files->read ? files->read(files->arg, f->image->sha256, from, buf, n) : ERR_NOTFOUND;
}

static void send_package(struct srv_fw *f, struct turn *t)
{
	struct ep_source source = {f->image->bytes, read_image, f};
	struct srv_dm d = {.kind = SRV_WRITE, .source = &source};
	f->sent = f->noted = 0;
	f->told = 0;
	start(f, &d, 0, t);
}

static void write_value(struct srv_fw *f, uint16_t rid, struct lwm_value v, struct turn *t)
{
	struct lwm_record r = {.kind = LWM_RECORD_VALUE, .path = {3, {5, 0, rid, 0}}, .value = v};
	struct srv_dm d = {.kind = SRV_WRITE, .records = &r, .record_n = 1};
	start(f, &d, rid, t);
}

static struct lwm_value text_value(const char *text)
{
	return (struct lwm_value){.type = LWM_STRING, .bytes = span_str(text)};
}

static void write_empty(struct srv_fw *f, struct turn *t)
{
	static const uint8_t none[1];
	struct lwm_value v = {.type = LWM_OPAQUE, .bytes = {none, 0}};
	if (f->method == SRV_FW_PUSH)
		write_value(f, 0, v, t);
	else
		write_value(f, 1, text_value(""), t);
}

void srv_fw_ask(struct srv_fw *f, struct turn *t)
{
	struct srv_dm d = {.kind = SRV_READ};
	f->asked = f->next;
	f->next = SRV_FW_ASK_NOTHING;
	switch (f->asked) {
	case SRV_FW_ASK_NOTHING:
		return;
	case SRV_FW_ASK_DELIVERY:
		start(f, &d, 9, t);
		return;
	case SRV_FW_ASK_PROTOCOLS:
		start(f, &d, 8, t);
		return;
	case SRV_FW_ASK_AUTO:
		start(f, &d, 14, t);
		return;
	case SRV_FW_ASK_OBSERVE:
		d.kind = SRV_OBSERVE;
		start(f, &d, 3, t);
		return;
	case SRV_FW_ASK_STATE:
		start(f, &d, 3, t);
		return;
	case SRV_FW_ASK_RESULT:
		start(f, &d, 5, t);
		return;
	case SRV_FW_ASK_CANCEL:
		d.kind = SRV_EXECUTE;
		start(f, &d, 10, t);
		return;
	case SRV_FW_ASK_EMPTY:
		write_empty(f, t);
		return;
	case SRV_FW_ASK_SEND:
		f->refusal = 0;
		f->sends++;
		if (f->method == SRV_FW_PUSH)
			send_package(f, t);
		else
			write_value(f, 1, text_value(f->uri), t);
		return;
	case SRV_FW_ASK_UPDATE:
		f->executed = true;
		f->executes++;
		srv_fw_go_to(f, SRV_FW_UPDATE, t); /* in the batch of the request */
		d.kind = SRV_EXECUTE;
		start(f, &d, 2, t);
		return;
	}
}

void srv_fw_ask_again(struct srv_fw *f, const struct turn *t)
{
	enum srv_fw_ask again = f->asked;
	if (f->asked == SRV_FW_ASK_OBSERVE || f->asked == SRV_FW_ASK_SEND ||
		f->asked == SRV_FW_ASK_UPDATE)
		again = SRV_FW_ASK_STATE;
	if (f->asked == SRV_FW_ASK_UPDATE)
		f->refusal = MSG_GATEWAY_TIMEOUT; /* it may not have heard of it */
	f->waiting = true;                        /* at the next sign of life, or: */
	srv_fw_ask_at(f, again,
		t->now_ms + srv_fw_backoff(SRV_FW_RETRY_MS, SRV_FW_RETRY_MAX_MS, f->misses));
	if (f->misses < UINT8_MAX)
		f->misses++;
}
