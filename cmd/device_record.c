/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/device_record.h"

#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8192 };

enum err device_record_open(struct device_record *r, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_IO;
	r->file = fdopen(fd, "w");
	if (r->file)
		return ERR_OK;
	close(fd);
	return ERR_IO;
}

/* "192.0.2.1:5683" of a peer: what wr_peer writes behind the name of the bearer. */
static void put_address(struct writer *w, const struct peer *p)
{
	uint8_t text[96];
	struct writer t = wr_make(text, sizeof(text));
	wr_peer(&t, p);
	struct span s = wr_span(&t);
	wr_bytes(w, s.n > 4 ? span_sub(s, 4, s.n) : s);
}

static void put_local(struct writer *w, struct span local, uint16_t port)
{
	struct peer p = {.bearer = BEARER_UDP};
	struct writer a = wr_make(p.addr, sizeof(p.addr));
	if (local.n != 4 && local.n != 16) {
		wr_fmt(w, "*:%u", port);
		return;
	}
	wr_bytes(&a, local);
	wr_u16(&a, port);
	p.addr_n = (uint8_t)a.n;
	put_address(w, &p);
}

static void put_json_text(struct writer *w, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			wr_u8(w, '\\');
		if ((uint8_t)*s < ' ')
			wr_fmt(w, "\\u%04x", *s);
		else
			wr_u8(w, (uint8_t)*s);
	}
}

void device_record_add(struct device_record *r, bool out, const char *endpoint, struct span local,
	const struct peer *remote, struct span datagram)
{
	uint8_t line[LINE_MAX_BYTES];
	struct writer w = wr_make(line, sizeof(line));
	struct timespec t;
	if (!r->file)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	wr_fmt(&w, "{\"t\":%" PRId64 ",\"dir\":\"%s\",\"endpoint\":\"",
		(int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000, out ? "out" : "in");
	put_json_text(&w, endpoint);
	wr_str(&w, "\",\"local\":\"");
	put_local(&w, local, r->port);
	wr_str(&w, "\",\"remote\":\"");
	put_address(&w, remote);
	wr_str(&w, "\",\"hex\":\"");
	wr_hex(&w, datagram);
	wr_str(&w, "\"}\n");
	fwrite(line, 1, w.n, r->file); /* an error shows at close */
}

void device_record_flush(struct device_record *r)
{
	if (r->file)
		fflush(r->file);
}

enum err device_record_close(struct device_record *r)
{
	if (!r->file)
		return ERR_OK;
	bool good = !ferror(r->file) && fflush(r->file) == 0;
	good = fclose(r->file) == 0 && good;
	r->file = NULL;
	return good ? ERR_OK : ERR_IO;
}
