/* SPDX-License-Identifier: Apache-2.0 */
/* The whole daemon without its sockets. The input is a program: a byte says what happens next, its
 * operands follow (tests/fuzz/daemon_seeds.py writes such programs). Devices hold the keys that the
 * daemon holds, so their messages get behind the tag whatever is in them. */
#include "tests/fuzz/daemon_admin.h"
#include "tests/fuzz/daemon_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 300, INNER_MAX = 1200, DRAIN_MS = 4000000 };

/* ---- turns and time */

static void turn(struct world *w)
{
	if (w->disk.sealing_n)
		disk_poll(w);
	core_turn_end(w->core);
	if (!w->held)
		core_store_poll(w->core);
	world_learn(w);
	check_world(w);
}

static void input(struct world *w, const struct peer *from, struct span datagram)
{
	struct copy *c = &w->copy[w->copy_n++ % COPIES_MAX];
	c->from = *from;
	c->n = datagram.n;
	memcpy(c->bytes, datagram.p, datagram.n);
	world_time(w);
	w->asking = !w->held && !store_pending(w->core->store) && !msg_parse_udp(datagram, &w->in);
	w->in_n = datagram.n;
	core_input(w->core, from, span_make(c->bytes, c->n));
	turn(w);
	w->asking = false;
}

static void timers(struct world *w)
{
	world_time(w);
	core_timers(w->core);
	turn(w);
	for (int i = 0; i < 4 && core_deadline_ms(w->core) <= w->now_ms; i++) {
		core_timers(w->core); /* storage has told what somebody waits for */
		turn(w);
	}
	require(core_deadline_ms(w->core) > w->now_ms || w->core->failed,
		"what is due has been done");
}

/* From deadline to deadline as the daemon would, or in one leap, as after a suspend. */
static void advance(struct world *w, uint64_t ms, bool leap)
{
	uint64_t end = w->now_ms + ms;
	for (int i = 0; !leap && i < 200; i++) {
		uint64_t due = core_deadline_ms(w->core);
		if (due > end)
			break;
		if (due > w->now_ms)
			w->now_ms = due;
		timers(w);
	}
	w->now_ms = end;
	timers(w);
}

static void hold(struct world *w, bool on)
{
	w->held = on;
	store_mem_hold(w->core->store, on);
	if (on)
		return;
	world_time(w);
	core_store_poll(w->core);
	turn(w);
}

static void heal(struct world *w)
{
	store_mem_fail(w->core->store, 0, ERR_OK, false);
	w->armed = false;
	if (!w->core->failed && !store_pending(w->core->store))
		w->may_fail = false;
}

/* ---- devices */

static struct peer peer_of(uint8_t which, uint16_t listener)
{
	return (struct peer){.bearer = BEARER_UDP,
		.addr_n = 6,
		.local_n = 4,
		.listener = listener,
		.addr = {10, 0, 0, (uint8_t)(which & 7), 0x16, (uint8_t)(which >> 3 & 1)},
		.local = {192, 0, 2, 1}};
}

/* Bytes of the program, some of them as often as it takes for a block of 16 << szx bytes. */
static struct span inner_of(struct reader *r, uint8_t *buf)
{
	struct span s = counted(r);
	struct writer w = wr_make(buf, INNER_MAX);
	wr_bytes(&w, s);
	uint8_t pad = rd_u8(r);
	for (size_t i = 0; pad & 8 && i < (size_t)16 << (pad & 7) && w.n < INNER_MAX - 64; i++)
		wr_u8(&w, (uint8_t)('a' + i % 26));
	return wr_span(&w);
}

/* Which key. */
enum { NEWEST = 255, KEY_SAME_MID = 128, KEY_OTHERS_PLACE = 64, KEY_MASK = 63 };
enum {
	ASK_NON = 1,
	ASK_NUMBER = 2, /* one byte: a number as the fuzzer likes */
	ASK_OBSERVE = 4,
	ASK_OTHER_CONTEXT = 8, /* with a kid context where there is none, or the other way round */
	ASK_ECHO = 16,
	ASK_OTHER_LISTENER = 32,
	ASK_MOVED = 64,
	ASK_PLACE = 128, /* at the place of the device's registration */
};

static enum err add_place(struct msg *m, const struct place *p)
{
	enum err err = p->n ? msg_add(m, OPT_URI_PATH, SPAN_LIT("rd")) : ERR_NOTFOUND;
	return err ? err : msg_add(m, OPT_URI_PATH, span_make(p->name, p->n));
}

/* The message with what the daemon told the device before. */
static struct span completed(const struct key *k, const struct place *place, uint8_t flags,
	struct span plain, uint8_t *buf)
{
	struct msg m;
	struct writer w = wr_make(buf, INNER_MAX);
	if (msg_parse_inner(plain, &m) ||
		(flags & ASK_ECHO && msg_add(&m, OPT_ECHO, span_make(k->echo, k->echo_n))) ||
		(flags & ASK_PLACE && add_place(&m, place)) || msg_encode_inner(&m, &w))
		return plain;
	return wr_span(&w);
}

/* Encrypts without a look at what is inside. */
static struct span seal(struct world *w, const struct key *k, const struct osc_binding *b,
	const struct osc_id *owner, const struct osc_piv *piv, struct span plain, uint8_t *out)
{
	uint8_t nonce[OSC_NONCE_MAX], aad[64];
	struct writer a = wr_make(aad, sizeof(aad));
	const struct osc_aead_info *info = osc_aead_info(k->dev.aead);
	osc_nonce(&k->dev, owner, piv, nonce);
	osc_aad(&k->dev, b, &a);
	require(osc_seal(w->crypto, info, k->dev.sender_key, nonce, wr_span(&a), plain, out) ==
			ERR_OK,
		"seal");
	return span_make(out, plain.n + info->tag_n);
}

static void submit(struct world *w, const struct peer *from, const struct msg *m)
{
	uint8_t out[DATAGRAM_MAX];
	struct writer d = wr_make(out, sizeof(out));
	if (msg_encode_udp(m, &d) == ERR_OK)
		input(w, from, wr_span(&d));
}

/* A protected request of the device with that key. */
static void step_request(struct world *w, struct reader *r)
{
	uint8_t plain[INNER_MAX], whole[INNER_MAX], sealed[INNER_MAX + OSC_TAG_MAX], value[300];
	uint8_t which = rd_u8(r), flags = rd_u8(r);
	if (!w->key_n || w->sent_n == SENT_MAX)
		return;
	size_t at = which == NEWEST ? w->key_n - 1 : (which & KEY_MASK) % w->key_n;
	struct key *k = &w->key[at];
	bool bent = which != NEWEST;
	uint64_t number = flags & ASK_NUMBER ? rd_u8(r) : k->next++;
	struct span inner = inner_of(r, plain);
	struct sent *s = &w->sent[w->sent_n];
	struct osc_option o = {.has_kid = true, .kid = osc_id_span(&k->dev.sender_id)};
	struct writer v = wr_make(value, sizeof(value));
	struct msg m;
	*s = (struct sent){.key = at, .base = at, .binding.kid = k->dev.sender_id};
	osc_piv_set(&s->binding.piv, number);
	o.piv = s->binding.piv;
	o.has_kid_context = (k->id_context_n > 0) != !!(flags & ASK_OTHER_CONTEXT);
	o.kid_context = span_make(k->id_context, k->id_context_n);
	osc_option_encode(&o, &v);
	msg_init(&m, flags & ASK_NON ? MSG_NON : MSG_CON, MSG_POST);
	m.mid = bent && which & KEY_SAME_MID ? (uint16_t)(w->mid - 1) : w->mid++;
	m.token_n = 2;
	m.token[0] = (uint8_t)(w->sent_n >> 8);
	m.token[1] = (uint8_t)w->sent_n++;
	k->proves |= flags & ASK_ECHO && k->echo_n;
	if (flags & (ASK_ECHO | ASK_PLACE))
		inner = completed(k,
			bent && which & KEY_OTHERS_PLACE ? &w->key[0].place : &k->place, flags,
			inner, whole);
	m.payload = seal(w, k, &s->binding, &k->dev.sender_id, &s->binding.piv, inner, sealed);
	require(msg_add(&m, OPT_OSCORE, wr_span(&v)) == ERR_OK, "option");
	if (flags & ASK_OBSERVE)
		require(msg_add_uint(&m, OPT_OBSERVE, 0) == ERR_OK, "option");
	uint16_t l = k->role == REC_ROLE_BOOTSTRAP ? LISTEN_BOOTSTRAP : LISTEN_SERVER;
	if (flags & ASK_OTHER_LISTENER)
		l = (uint16_t)((l + 1) % LISTENERS);
	struct peer from = peer_of((uint8_t)(at & 7) | (flags & ASK_MOVED ? 8 : 0), l);
	submit(w, &from, &m);
}

enum {
	B2_SECOND = 1, /* with the last R2 that the device was told */
	B2_FORGED = 2,
	B2_RAW = 4,      /* the ID Context is not wrapped */
	B2_REGISTER = 8, /* else the program says what is inside */
};

/* A message of RFC 8613 Appendix B.2, of a device whose secret is known. */
static void step_recover(struct world *w, struct reader *r)
{
	uint8_t plain[INNER_MAX], sealed[INNER_MAX + OSC_TAG_MAX], value[300], both[300];
	size_t at = rd_u8(r) % 3;
	uint8_t flags = rd_u8(r);
	uint64_t number = rd_u8(r);
	struct span part = rd_bytes(r, rd_u8(r) & 31), inner = inner_of(r, plain);
	struct writer id = wr_make(both, sizeof(both)), v = wr_make(value, sizeof(value));
	if (w->sent_n == SENT_MAX || w->key_n == KEYS_MAX)
		return;
	if (flags & B2_SECOND)
		wr_bytes(&id, span_make(w->key[at].r2, w->key[at].r2_n));
	wr_bytes(&id, part);
	struct key k;
	if (!world_key_under(w, at, wr_span(&id), &k))
		return;
	uint8_t wrapped[OSC_WRAPPED_MAX];
	struct writer wrap = wr_make(wrapped, sizeof(wrapped));
	osc_wrap(wr_span(&id), &wrap);
	struct sent *s = &w->sent[w->sent_n];
	struct osc_option o = {.has_kid = true,
		.kid = osc_id_span(&k.dev.sender_id),
		.has_kid_context = true,
		.kid_context = flags & B2_RAW ? wr_span(&id) : wr_span(&wrap)};
	*s = (struct sent){
		.key = world_keep(w, at, &k), .base = at, .binding.kid = k.dev.sender_id};
	osc_piv_set(&s->binding.piv, number);
	o.piv = s->binding.piv;
	osc_option_encode(&o, &v);
	struct msg m;
	msg_init(&m, MSG_CON, MSG_POST);
	m.mid = w->mid++;
	m.token_n = 2;
	m.token[0] = (uint8_t)(w->sent_n >> 8);
	m.token[1] = (uint8_t)w->sent_n++;
	if (flags & B2_REGISTER)
		inner = SPAN_LIT("\x02\xb2rd\x11\x28\x39lwm2m=1.1\x05lt=60\xff</3/0>");
	m.payload = seal(w, &k, &s->binding, &k.dev.sender_id, &s->binding.piv, inner, sealed);
	if (flags & B2_FORGED)
		sealed[0] ^= 1;
	require(msg_add(&m, OPT_OSCORE, wr_span(&v)) == ERR_OK, "option");
	struct peer from = peer_of((uint8_t)at,
		w->key[at].role == REC_ROLE_BOOTSTRAP ? LISTEN_BOOTSTRAP : LISTEN_SERVER);
	submit(w, &from, &m);
	timers(w); /* what had to be read has been */
}

enum {
	TELL_CON = 1,
	TELL_NON = 2, /* neither: an acknowledgement */
	TELL_NUMBER = 4,
	TELL_OBSERVE = 8,
	TELL_BARE = 16, /* unprotected, though the request was not */
	TELL_MOVED = 32,
	TELL_OTHER_MID = 64,
	TELL_AS_LIKED = 128, /* one byte: a number as the fuzzer likes */
};

static struct asked *asked_at(struct world *w, uint8_t back)
{
	size_t n = w->asked_n < ASKED_MAX ? w->asked_n : ASKED_MAX;
	return n ? &w->asked[(w->asked_n - 1 - back % n) % ASKED_MAX] : NULL;
}

static struct peer answers_from(const struct asked *a, uint8_t flags)
{
	struct peer from = a->to;
	if (flags & TELL_MOVED)
		from.addr[5] ^= 1;
	return from;
}

/* An answer without protection: its code, options and payload are the inner bytes. */
static void tell_bare(struct world *w, const struct peer *from, struct msg *m, struct span inner,
	bool is_protected)
{
	struct msg plain;
	if (msg_parse_inner(inner, &plain))
		return;
	plain.type = m->type;
	plain.mid = m->mid;
	plain.token_n = m->token_n;
	memcpy(plain.token, m->token, sizeof(m->token));
	struct ep_counters before = {0};
	if (w->core->up)
		before = *ep_exchange_counters(w->core->x);
	submit(w, from, &plain);
	if (!w->core->up)
		return;
	const struct ep_counters *after = ep_exchange_counters(w->core->x);
	require(!is_protected || (before.responses == after->responses &&
					 before.notifications == after->notifications),
		"an answer without protection is none");
}

static void tell(
	struct world *w, const struct asked *a, uint8_t flags, uint64_t number, struct span inner)
{
	uint8_t sealed[INNER_MAX + OSC_TAG_MAX], value[16];
	struct peer from = answers_from(a, flags);
	struct osc_option o = {.has_kid = false};
	struct writer v = wr_make(value, sizeof(value));
	struct msg m;
	msg_init(&m,
		flags & TELL_CON   ? MSG_CON
		: flags & TELL_NON ? MSG_NON
				   : MSG_ACK,
		MSG_CHANGED);
	m.mid = m.type == MSG_ACK ? a->mid : w->mid++;
	if (flags & TELL_OTHER_MID)
		m.mid ^= 1;
	m.token_n = a->token_n;
	memcpy(m.token, a->token, sizeof(m.token));
	if (!a->is_protected || flags & TELL_BARE) {
		tell_bare(w, &from, &m, inner, a->is_protected);
		return;
	}
	struct key *k = &w->key[a->key];
	if (flags & TELL_NUMBER)
		osc_piv_set(&o.piv, flags & TELL_AS_LIKED ? number : k->next++);
	osc_option_encode(&o, &v);
	m.payload = seal(w, k, &a->binding, o.piv.n ? &k->dev.sender_id : &a->binding.kid,
		o.piv.n ? &o.piv : &a->binding.piv, inner, sealed);
	require(msg_add(&m, OPT_OSCORE, wr_span(&v)) == ERR_OK, "option");
	if (flags & TELL_OBSERVE)
		require(msg_add_uint(&m, OPT_OBSERVE, 0) == ERR_OK, "option");
	submit(w, &from, &m);
}

/* A response or notification to one of the daemon's last requests. */
static void step_response(struct world *w, struct reader *r)
{
	uint8_t plain[INNER_MAX];
	const struct asked *a = asked_at(w, rd_u8(r));
	uint8_t flags = rd_u8(r);
	uint64_t number = flags & TELL_AS_LIKED ? rd_u8(r) : 0;
	struct span inner = inner_of(r, plain);
	if (!a)
		return;
	struct asked copy = *a;
	tell(w, &copy, flags, number, inner);
}

static const char discovered[] = "</>;lwm2m=1.0,</0/0>,</0/1>;ssid=1,</1/0>;ssid=1,</21/0>,"
				 "</21/1>;ssid=1";

/* Response 1 to a recovery of the daemon's. */
static void offer(struct world *w, const struct asked *a)
{
	static const char r2[] = "r2r2r2";
	const struct key *asked = &w->key[a->key];
	uint8_t both[OSC_ID_CONTEXT_MAX], buf[DATAGRAM_MAX];
	struct writer id = wr_make(both, sizeof(both)), work = wr_make(buf, sizeof(buf));
	struct msg m, sealed;
	struct key k;
	wr_str(&id, r2);
	wr_bytes(&id, span_make(asked->id_context, asked->id_context_n));
	msg_init(&m, MSG_ACK, MSG_UNAUTHORIZED);
	m.mid = a->mid;
	m.token_n = a->token_n;
	memcpy(m.token, a->token, sizeof(m.token));
	if (world_key_under(w, a->base, wr_span(&id), &k) &&
		!osc_protect_response_1(w->crypto, &k.dev, &asked->dev, &a->binding, span_str(r2),
			&m, &work, &sealed))
		submit(w, &a->to, &sealed);
}

/* What a well-behaved device says. */
static void answer(struct world *w, const struct asked *a)
{
	if (a->begins) {
		offer(w, a);
		return;
	}
	uint8_t plain[INNER_MAX];
	struct writer b = wr_make(plain, sizeof(plain));
	struct msg m;
	msg_init(&m, MSG_ACK, MSG_CHANGED);
	enum err err = ERR_OK;
	if (a->code == MSG_DELETE)
		m.code = MSG_DELETED;
	if (a->has_block1) {
		m.code = a->block1.more ? MSG_CONTINUE : MSG_CHANGED;
		err = block_add(&m, OPT_BLOCK1, a->block1);
	}
	if (a->code == MSG_GET) {
		m.code = MSG_CONTENT;
		m.payload = a->has_path ? SPAN_LIT("7") : span_str(discovered);
		if (a->observe)
			err = msg_add_uint(&m, OPT_OBSERVE, 0);
		if (!err)
			err = msg_add_uint(&m, OPT_CONTENT_FORMAT, a->accept);
	}
	require(!err && msg_encode_inner(&m, &b) == ERR_OK, "an answer");
	tell(w, a, a->observe ? TELL_NUMBER | TELL_OBSERVE : 0, 0, wr_span(&b));
}

enum {
	PART_LIKED = 8, /* the number as asked for, else one more */
	PART_MORE = 16,
	PART_BARE = 32, /* without the option */
	PART_ETAG = 64, /* another one each time, else none */
};

/* An option of a block that was asked for, or of one that was not. szx 7: the size asked for. */
static enum err add_part(struct msg *m, uint16_t num, struct block b, uint8_t how)
{
	b.num += !(how & PART_LIKED);
	b.more = how & PART_MORE;
	if ((how & 7) != 7)
		b.szx = how & 7;
	return how & PART_BARE ? ERR_OK : block_add(m, num, b);
}

/* Answers to requests that have to do with blocks, as often as it takes or the program says. */
static void step_parts(struct world *w, struct reader *r)
{
	static const uint8_t codes[] = {MSG_CONTINUE, MSG_CHANGED, MSG_CONTENT,
		MSG_REQUEST_ENTITY_INCOMPLETE, MSG_TOO_LARGE, MSG_NOT_FOUND};
	uint8_t plain[INNER_MAX], etag[1], code = codes[rd_u8(r) % sizeof(codes)], how = rd_u8(r);
	static const uint8_t part[1024];
	for (uint8_t n = rd_u8(r); n > 0; n--) {
		struct asked *a = asked_at(w, 0);
		size_t before = w->asked_n;
		struct writer b = wr_make(plain, sizeof(plain));
		struct msg m;
		if (!a)
			return;
		struct asked copy = *a;
		msg_init(&m, MSG_ACK, code);
		etag[0] = n;
		enum err err = how & PART_ETAG ? msg_add(&m, OPT_ETAG, SPAN_OF(etag)) : ERR_OK;
		if (!err && copy.has_block1)
			err = add_part(&m, OPT_BLOCK1, copy.block1, how);
		if (!err && code == MSG_CONTENT) {
			struct block b2 = {.szx = 2};
			if (copy.has_block2)
				b2 = copy.block2;
			m.payload = span_make(part, block_size(b2.szx));
			err = add_part(&m, OPT_BLOCK2, b2, how | PART_LIKED);
		}
		if (err || msg_encode_inner(&m, &b))
			return;
		tell(w, &copy, 0, 0, wr_span(&b));
		if (w->asked_n == before)
			return;
	}
}

static void step_answer(struct world *w, struct reader *r)
{
	for (uint8_t n = rd_u8(r) & 15; n > 0; n--) {
		size_t before = w->asked_n;
		struct asked *a = asked_at(w, 0);
		if (!a)
			return;
		struct asked copy = *a;
		answer(w, &copy);
		if (w->asked_n == before)
			return;
	}
}

/* An Empty message: an acknowledgement, a Reset, a ping. */
static void step_empty(struct world *w, struct reader *r)
{
	const struct asked *a = asked_at(w, rd_u8(r));
	uint8_t flags = rd_u8(r);
	struct msg m;
	if (!a)
		return;
	msg_init(&m, (enum msg_type)(flags & 3), MSG_EMPTY);
	m.mid = a->mid;
	struct peer from = answers_from(a, flags);
	submit(w, &from, &m);
}

/* Any bytes; with the highest bit of `where`, a message at the place of the last registration. */
static void step_raw(struct world *w, struct reader *r)
{
	uint8_t buf[INNER_MAX];
	uint8_t where = rd_u8(r);
	struct peer from = peer_of(where >> 2, where % LISTENERS);
	struct span bytes = inner_of(r, buf);
	struct msg m;
	if (where & 128 && !msg_parse_udp(bytes, &m) && !add_place(&m, &w->bare))
		submit(w, &from, &m);
	else
		input(w, &from, bytes);
}

/* A copy of a datagram that was sent before, perhaps from elsewhere. */
static void step_copy(struct world *w, struct reader *r)
{
	uint8_t back = rd_u8(r), where = rd_u8(r);
	size_t n = w->copy_n < COPIES_MAX ? w->copy_n : COPIES_MAX;
	if (!n)
		return;
	struct copy c = w->copy[(w->copy_n - 1 - back % n) % COPIES_MAX];
	struct peer from = c.from;
	if (where & 128)
		from = peer_of(where >> 2, where % LISTENERS);
	input(w, &from, span_make(c.bytes, c.n));
}

/* ---- administrator, time and storage */

static void step_admin(struct world *w, struct reader *r)
{
	if (w->call_n == CALLS_MAX)
		return;
	admin_call(w, r);
	turn(w);
}

static void step_time(struct world *w, struct reader *r)
{
	uint8_t v = rd_u8(r);
	advance(w, (uint64_t)(1 + (v & 15)) << (v >> 4 & 7) * 2, v & 128);
}

static void step_storage(struct world *w, struct reader *r)
{
	uint8_t v = rd_u8(r);
	switch (v % 6) {
	case 0:
		w->may_fail = w->armed = true;
		store_mem_fail(
			w->core->store, 1 + (v >> 4 & 3), v & 64 ? ERR_IO : ERR_FULL, v & 128);
		break;
	case 1:
		heal(w);
		break;
	case 2:
		hold(w, true);
		break;
	case 3:
		hold(w, false);
		break;
	case 4:
		world_crash(w);
		turn(w);
		break;
	case 5:
		world_stop(w);
		turn(w);
		break;
	}
}

static void (*const steps[])(struct world *, struct reader *) = {step_raw, step_request,
	step_response, step_answer, step_empty, step_copy, step_admin, step_time, step_storage,
	step_parts, step_recover};

/* ---- a run */

static bool all_answered(const struct world *w)
{
	for (size_t i = 0; i < w->call_n; i++)
		if (!w->calls[i])
			return false;
	return true;
}

/* Storage works, time passes: everybody gets an answer. */
static void drain(struct world *w)
{
	heal(w);
	hold(w, false);
	uint64_t end = w->now_ms + DRAIN_MS;
	while (w->now_ms < end && (w->core->failed || !all_answered(w)))
		advance(w, 4000, false);
	require(!w->core->failed, "the daemon recovers when storage does");
	require(all_answered(w), "every call is answered");
	w->call_n = 0;
}

static void put_credentials(struct world *w, size_t name, bool bootstrap, uint8_t id)
{
	uint8_t secret[16] = {id, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	uint8_t ours = 0x50, theirs = (uint8_t)(0x60 + id);
	struct adm_oscore c = {.bootstrap = bootstrap,
		.master_secret = SPAN_OF(secret),
		.sender_id = span_make(&ours, 1),
		.recipient_id = span_make(&theirs, 1),
		.has_id_context = name == 2,
		.id_context = SPAN_LIT("id"),
		.aead = ALG_AES_CCM_16_64_128,
		.hkdf = ALG_HKDF_SHA256};
	struct adm_settings s = {.has_freshness = name < 2, .freshness = EP_FRESH_NONE};
	struct adm_ops o;
	core_admin_ops(w->core, &o);
	o.oscore_put(o.arg, span_str(world_names[name]), &c, on_done, &w->calls[w->call_n++]);
	o.endpoint_put(o.arg, span_str(world_names[name]), &s, on_done, &w->calls[w->call_n++]);
}

static void configure(struct cfg *g)
{
	cfg_defaults(g);
	snprintf(g->uri, sizeof(g->uri), "coap://192.0.2.1:5683");
	snprintf(g->firmware_uri, sizeof(g->firmware_uri), "coap://192.0.2.1:5683");
	g->listen_n = LISTENERS;
	g->listen[LISTEN_NOSEC] = (struct cfg_listen){.role = CFG_ROLE_SERVER, .nosec = true};
	g->listen[LISTEN_SERVER] = (struct cfg_listen){.role = CFG_ROLE_SERVER};
	g->listen[LISTEN_BOOTSTRAP] = (struct cfg_listen){.role = CFG_ROLE_BOOTSTRAP};
	g->grace_s = 5;
	g->body_limit_bytes = 2048;
	g->endpoints_max = 8;
	g->ssn_block = 4;
	g->recipient_id_bytes = 1;
	g->session_timeout_s = 100;
}

static void discard(void *arg, struct batch *b)
{
	(void)arg;
	(void)b;
}

/* Once: three endpoints and their credentials, stored. */
static void provision(struct world *w)
{
	struct store_mem_opts o = {.exchange_lifetime_ms = 247000, .secret = {7}, .event_ring = 64};
	struct store *s;
	configure(&w->cfg);
	require(osc_crypto_new(&w->crypto) == ERR_OK, "crypto");
	w->now_ms = 1000;
	w->run = 1;
	w->core = world_core(w);
	require(store_mem_open(&o, core_store_done, w->core, &s) == ERR_OK, "store");
	world_start(w, s);
	put_credentials(w, 0, false, 0);
	put_credentials(w, 1, true, 1);
	put_credentials(w, 2, false, 2);
	turn(w);
	require(all_answered(w), "provisioned");
	require(core_stop(w->core) == ERR_OK, "a clean stop");
	require(store_mem_crash(s, discard, NULL, &w->provisioned) == ERR_OK, "copy");
	core_free(w->core);
}

static void begin(struct world *w)
{
	struct store *s;
	w->run++;
	w->now_ms = 1000;
	w->key_n = w->sent_n = w->asked_n = w->copy_n = w->use_n = w->call_n = 0;
	w->mid = 1;
	w->generation = w->bare.n = 0;
	w->core = world_core(w);
	require(store_mem_crash(w->provisioned, core_store_done, w->core, &s) == ERR_OK, "store");
	world_start(w, s);
	turn(w);
	require(w->key_n == 3, "the devices are provisioned");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct reader r = rd_make(span_make(data, size));
	if (!w.crypto)
		provision(&w);
	begin(&w);
	for (int i = 0; i < STEPS_MAX && rd_left(&r); i++) {
		if (w.key_n == KEYS_MAX || w.use_n > USES_MAX / 2)
			break;
		steps[rd_u8(&r) % (sizeof(steps) / sizeof(*steps))](&w, &r);
	}
	drain(&w);
	core_free(w.core);
	return 0;
}
