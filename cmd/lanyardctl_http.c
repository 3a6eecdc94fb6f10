/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 over the Unix socket, blocking, one request a connection. */
#include "cmd/lanyardctl.h"

#include "base/secret.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_BYTES = 8192, BODY_MAX = 64 * 1024 * 1024 };

struct conn {
	int fd;
	char in[16384];
	size_t at, n;
	bool chunked;
	bool ended;    /* no more body */
	uint64_t left; /* of the body or the chunk */
	bool has_length;
	int status;
};

struct ctl_stream {
	struct conn conn;
	char *line; /* of the event under way */
	size_t n, cap;
	char *data; /* of the last event */
};

static int unreachable(const struct ctl *c, const char *what, int e)
{
	if (c->quiet)
		return CTL_UNREACHABLE;
	fprintf(stderr, "lanyardctl: %s %s: %s", what, c->socket, strerror(e));
	if (e == EACCES)
		fprintf(stderr, "; you may have to be in the group lanyard, or root\n");
	else if (e == ENOENT || e == ECONNREFUSED)
		fprintf(stderr,
			"; is lanyardd running (systemctl status lanyardd), and is this its "
			"[admin] socket (-S PATH or LANYARD_SOCKET names another)?\n");
	else
		fprintf(stderr, "; see the log of lanyardd\n");
	return CTL_UNREACHABLE;
}

static int conn_open(const struct ctl *c, struct conn *h)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	*h = (struct conn){.fd = -1};
	if (strlen(c->socket) >= sizeof(sun.sun_path))
		return unreachable(c, "cannot reach the daemon at", ENAMETOOLONG);
	memcpy(sun.sun_path, c->socket, strlen(c->socket) + 1);
	h->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (h->fd < 0 || connect(h->fd, (struct sockaddr *)&sun, sizeof(sun)))
		return unreachable(c, "cannot reach the daemon at", errno);
	errno = 0; /* an answer that ends early is no error of the system's */
	return CTL_OK;
}

static void conn_close(struct conn *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
}

static bool send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* What a request carries. `type` NULL: nothing. */
struct load {
	const char *type;
	struct span body;
	const char *range; /* Content-Range: it is a part; or NULL */
};

static bool send_request(
	struct conn *h, const char *method, const char *target, const struct load *load, bool last)
{
	char head[4096];
	int n = snprintf(head, sizeof(head),
		"%s %s HTTP/1.1\r\nHost: lanyard\r\nAccept: %s\r\n%s%s%s%s%s%sContent-Length: "
		"%zu\r\n%s\r\n",
		method, target, last ? "application/json" : "text/event-stream",
		load->type ? "Content-Type: " : "", load->type ? load->type : "",
		load->type ? "\r\n" : "", load->range ? "Content-Range: " : "",
		load->range ? load->range : "", load->range ? "\r\n" : "", load->body.n,
		last ? "Connection: close\r\n" : "");

	if (n < 0 || (size_t)n >= sizeof(head)) {
		errno = ENAMETOOLONG;
		return false;
	}
	/* An answer may come before all was taken (a body too long): what counts is the answer. */
	(void)(send_all(h->fd, head, (size_t)n) &&
		send_all(h->fd, (const char *)load->body.p, load->body.n));
	return true;
}

static int next_byte(struct conn *h)
{
	ssize_t got;

	if (h->at < h->n)
		return (unsigned char)h->in[h->at++];
	do
		got = recv(h->fd, h->in, sizeof(h->in), 0);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return -1;
	h->n = (size_t)got;
	h->at = 1;
	return (unsigned char)h->in[0];
}

/* Up to CRLF or LF, which is dropped. */
static bool read_line(struct conn *h, char *line, size_t cap)
{
	size_t n = 0;
	int ch;

	while ((ch = next_byte(h)) >= 0 && ch != '\n')
		if (n + 1 < cap)
			line[n++] = (char)ch;
	if (n && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	return ch >= 0;
}

static void header(struct conn *h, char *line)
{
	char *value = strchr(line, ':');

	if (!value)
		return;
	*value++ = '\0';
	value += strspn(value, " \t");
	if (strcasecmp(line, "Transfer-Encoding") == 0)
		h->chunked = strcasecmp(value, "chunked") == 0;
	else if (strcasecmp(line, "Content-Length") == 0)
		h->has_length = span_to_u64(span_str(value), BODY_MAX, &h->left) == ERR_OK;
}

static bool read_head(struct conn *h)
{
	char line[LINE_BYTES];

	if (!read_line(h, line, sizeof(line)) || strncmp(line, "HTTP/1.", 7) != 0)
		return false;
	h->status = atoi(line + strcspn(line, " "));
	while (read_line(h, line, sizeof(line))) {
		if (!*line) {
			h->ended = h->status == 204 || (h->has_length && h->left == 0);
			return h->status >= 100 && h->status < 600;
		}
		header(h, line);
	}
	return false;
}

/* Goes on to the next chunk: its size stands on a line of its own, behind the end of the last. */
static bool next_chunk(struct conn *h)
{
	char line[LINE_BYTES], *end;

	do
		if (!read_line(h, line, sizeof(line)))
			return false;
	while (!*line);
	errno = 0;
	h->left = strtoull(line, &end, 16);
	h->ended = h->left == 0;
	return end != line && errno == 0 && !h->ended;
}

/* The next byte of the body, or -1 at its end. */
static int body_byte(struct conn *h)
{
	int ch;

	if (h->ended)
		return -1;
	if (h->chunked && h->left == 0 && !next_chunk(h))
		return -1;
	ch = next_byte(h);
	if (h->chunked || h->has_length)
		h->left--;
	if (h->has_length && !h->chunked && h->left == 0)
		h->ended = true;
	return ch;
}

static bool append(char **p, size_t *n, size_t *cap, char ch)
{
	char *more;

	if (*n + 1 >= *cap) {
		if (*cap >= BODY_MAX)
			return false;
		more = realloc(*p, *cap ? 2 * *cap : 4096);
		if (!more)
			return false;
		*p = more;
		*cap = *cap ? 2 * *cap : 4096;
	}
	(*p)[(*n)++] = ch;
	(*p)[*n] = '\0';
	return true;
}

static bool read_body(struct conn *h, struct ctl_reply *out)
{
	size_t cap = 0;
	int ch;

	while ((ch = body_byte(h)) >= 0)
		if (!append(&out->body, &out->n, &cap, (char)ch))
			return false;
	if (!out->body)
		out->body = calloc(1, 1);
	return out->body && (h->ended || (!h->chunked && !h->has_length));
}

static void read_json(struct ctl_reply *r)
{
	struct json_tokener *t = json_tokener_new();

	if (t && r->n && r->n < INT_MAX && r->body[0] == '{')
		r->json = json_tokener_parse_ex(t, r->body, (int)r->n);
	if (t)
		json_tokener_free(t);
}

static int call(struct ctl *c, const char *method, const char *target, const struct load *load,
	int quiet_status, struct ctl_reply *out)
{
	struct conn h;
	int rc = conn_open(c, &h);

	*out = (struct ctl_reply){0};
	if (rc == CTL_OK && (c->no_memory || !send_request(&h, method, target, load, true)))
		rc = ctl_fail("the request is too long");
	if (rc == CTL_OK && (!read_head(&h) || !read_body(&h, out)))
		rc = unreachable(c, "no answer from the daemon at", errno ? errno : ECONNRESET);
	secret_wipe(h.in, sizeof(h.in));
	conn_close(&h);
	if (rc)
		return rc;
	out->status = h.status;
	read_json(out);
	if (out->status < 400 || out->status == quiet_status)
		return CTL_OK;
	if (c->quiet)
		return CTL_REFUSED;
	if (c->opt[CTL_OPT_JSON])
		(void)ctl_json_done(c, out);
	return ctl_problem(out);
}

int ctl_send(struct ctl *c, const char *method, const char *target, const char *type,
	struct span body, int quiet_status, struct ctl_reply *out)
{
	struct load load = {type, body, NULL};

	return call(c, method, target, &load, quiet_status, out);
}

int ctl_send_part(struct ctl *c, const char *target, struct span body, uint64_t at, uint64_t total,
	struct ctl_reply *out)
{
	char range[80];
	struct load load = {"application/octet-stream", body, range};

	snprintf(range, sizeof(range), "bytes %llu-%llu/%llu", (unsigned long long)at,
		(unsigned long long)(at + body.n - 1), (unsigned long long)total);
	return call(c, "PUT", target, &load, 0, out);
}

int ctl_call(struct ctl *c, const char *method, const char *target, const char *body,
	int quiet_status, struct ctl_reply *out)
{
	return ctl_send(c, method, target, body ? "application/json" : NULL, span_str(body),
		quiet_status, out);
}

void ctl_reply_free(struct ctl_reply *r)
{
	json_object_put(r->json);
	free(r->body);
	*r = (struct ctl_reply){0};
}

static int refused_stream(const struct ctl *c, struct conn *h)
{
	struct ctl_reply r = {.status = h->status};
	int rc;

	(void)read_body(h, &r);
	if (r.body)
		read_json(&r);
	rc = c->quiet ? CTL_REFUSED : ctl_problem(&r);
	ctl_reply_free(&r);
	return rc;
}

int ctl_stream_open(struct ctl *c, const char *target, struct ctl_stream **out)
{
	struct ctl_stream *s = calloc(1, sizeof(*s));
	struct load none = {NULL, SPAN_EMPTY, NULL};
	int rc;

	*out = NULL;
	if (!s)
		return ctl_fail("out of memory");
	rc = conn_open(c, &s->conn);
	if (rc == CTL_OK && (c->no_memory || !send_request(&s->conn, "GET", target, &none, false)))
		rc = ctl_fail("the request is too long");
	if (rc == CTL_OK && !read_head(&s->conn))
		rc = unreachable(c, "no answer from the daemon at", errno ? errno : ECONNRESET);
	else if (rc == CTL_OK && s->conn.status != 200)
		rc = refused_stream(c, &s->conn);
	if (rc) {
		ctl_stream_free(s);
		return rc;
	}
	*out = s;
	return CTL_OK;
}

/* A line of the stream into s->line; false at its end. */
static bool stream_line(struct ctl_stream *s)
{
	int ch;

	s->n = 0;
	if (s->line)
		s->line[0] = '\0';
	while ((ch = body_byte(&s->conn)) >= 0 && ch != '\n')
		if (!append(&s->line, &s->n, &s->cap, (char)ch))
			return false;
	return ch >= 0;
}

const char *ctl_stream_next(struct ctl_stream *s)
{
	free(s->data);
	s->data = NULL;
	while (stream_line(s)) {
		if (s->n == 0 && s->data)
			return s->data;
		if (s->n > 6 && strncmp(s->line, "data: ", 6) == 0 && !s->data)
			s->data = strdup(s->line + 6);
	}
	return NULL;
}

void ctl_stream_free(struct ctl_stream *s)
{
	if (!s)
		return;
	conn_close(&s->conn);
	free(s->line);
	free(s->data);
	free(s);
}
