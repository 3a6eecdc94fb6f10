/* SPDX-License-Identifier: Apache-2.0 */
/* msg_parse_udp against coap_pdu_parse over random and mutated datagrams. Where the two may
 * disagree is a row of `excuses`; anything else is a failure. */
#include "coap/opt.h"
#include "tests/unit/coap/dump.h"

#include <coap3/coap.h>

enum { DATAGRAMS = 300000, DATAGRAM_MAX = 600 };

/* What libcoap makes of it. */
enum oracle { ORACLE_REJECTS, ORACLE_ACCEPTS, ORACLE_DIFFERS };

static bool same_options(const coap_pdu_t *pdu, const struct msg *m)
{
	coap_opt_iterator_t it;
	coap_opt_t *o;
	size_t i = 0;

	coap_option_iterator_init(pdu, &it, COAP_OPT_ALL);
	while ((o = coap_option_next(&it))) {
		struct span val = {coap_opt_value(o), coap_opt_length(o)};
		if (i >= m->opt_n || m->opt[i].num != it.number || !span_eq(m->opt[i].val, val))
			return false;
		i++;
	}
	return i == m->opt_n;
}

static bool same_message(const coap_pdu_t *pdu, const struct msg *m)
{
	coap_bin_const_t token = coap_pdu_get_token(pdu);
	struct span payload = SPAN_EMPTY;

	(void)coap_get_data(pdu, &payload.n, &payload.p);
	return (int)coap_pdu_get_type(pdu) == m->type && (int)coap_pdu_get_code(pdu) == m->code &&
	       coap_pdu_get_mid(pdu) == m->mid && span_eq(payload, m->payload) &&
	       span_eq((struct span){token.s, token.length}, (struct span){m->token, m->token_n}) &&
	       same_options(pdu, m);
}

static enum oracle ask(struct span datagram, const struct msg *m)
{
	coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, COAP_EMPTY_CODE, 0, DATAGRAM_MAX);
	enum oracle answer = ORACLE_REJECTS;

	if (!pdu)
		abort();
	if (coap_pdu_parse(COAP_PROTO_UDP, datagram.p, datagram.n, pdu))
		answer = !m || same_message(pdu, m) ? ORACLE_ACCEPTS : ORACLE_DIFFERS;
	coap_delete_pdu(pdu);
	return answer;
}

static bool has_ill_sized(struct span datagram, const struct msg *m)
{
	(void)datagram;
	for (size_t i = 0; i < m->opt_n; i++) {
		const struct opt_info *info = opt_info(m->opt[i].num);
		size_t n = m->opt[i].val.n;
		if (info && (n < info->min || n > info->max))
			return true;
	}
	return false;
}

static bool has_empty_query(struct span datagram, const struct msg *m)
{
	(void)datagram;
	for (const struct opt *o = msg_find(m, OPT_URI_QUERY); o; o = msg_next(m, o))
		if (o->val.n == 0)
			return true;
	return false;
}

static bool is_signaling(struct span datagram, const struct msg *m)
{
	(void)datagram;
	return msg_code_class(m->code) == 7;
}

/* The true number of the highest option, summed without wrapping; stops at what is cut off. */
static uint32_t highest_number(struct span datagram)
{
	struct reader r = rd_make(datagram);
	uint32_t num = 0;

	(void)rd_bytes(&r, 4 + (size_t)(datagram.p[0] & 15));
	while (r.n > 0 && r.p[0] != 0xff) {
		uint8_t head = rd_u8(&r);
		uint32_t delta = head >> 4, length = head & 15;
		if (delta == 15 || length == 15)
			break;
		delta = delta == 14 ? 269U + rd_u16(&r) : delta == 13 ? 13U + rd_u8(&r) : delta;
		length = length == 14 ? 269U + rd_u16(&r) : length == 13 ? 13U + rd_u8(&r) : length;
		(void)rd_bytes(&r, length);
		num += delta;
	}
	return num;
}

static bool wraps(struct span datagram, const struct msg *m)
{
	(void)m;
	return highest_number(datagram) > UINT16_MAX;
}

static bool is_full(struct span datagram, const struct msg *m)
{
	(void)datagram;
	return m->opt_n == MSG_OPTS_MAX;
}

static bool has_long_token(struct span datagram, const struct msg *m)
{
	(void)m;
	return (datagram.p[0] & 15) > MSG_TOKEN_MAX;
}

struct excuse {
	const char *what;
	enum err err; /* ours */
	enum oracle oracle;
	bool (*holds)(struct span datagram, const struct msg *m);
	const char *example; /* NULL: not in every release of libcoap */
};

static const struct excuse excuses[] = {
	{"libcoap rejects a message for an option's length; we judge that in msg_check_options",
		ERR_OK, ORACLE_REJECTS, has_ill_sized, "4001000140"},
	{"libcoap wants at least a byte in Uri-Query; RFC 7252 table 4 says 0 to 255", ERR_OK,
		ORACLE_REJECTS, has_empty_query, "40010001d002"},
	{"libcoap reads Signaling options (RFC 8323) in datagrams too", ERR_OK, ORACLE_REJECTS,
		is_signaling,
		"40e100012500000000"
		"00"},
	{"libcoap lets an extended delta wrap at 16 bits", ERR_SYNTAX, ORACLE_ACCEPTS, wraps,
		"40010001e0fef310"},
	{"libcoap has no limit to the number of options", ERR_LIMIT, ORACLE_ACCEPTS, is_full,
		"40010001"
		"00000000000000000000"
		"00000000000000000000"
		"00000000000000000000"
		"00000000000000000000"
		"00"},
	{"later libcoap takes extended tokens (RFC 8974)", ERR_SYNTAX, ORACLE_ACCEPTS,
		has_long_token, NULL},
};

enum { EXCUSES = sizeof(excuses) / sizeof(excuses[0]) };

static size_t used[EXCUSES];

static enum oracle agreed(enum err err)
{
	return err == ERR_OK ? ORACLE_ACCEPTS : ORACLE_REJECTS;
}

static bool excused(struct span datagram, enum err err, enum oracle oracle, const struct msg *m)
{
	for (size_t i = 0; i < EXCUSES; i++) {
		const struct excuse *e = &excuses[i];
		if (e->err == err && e->oracle == oracle && e->holds(datagram, m)) {
			used[i]++;
			return true;
		}
	}
	return false;
}

/* Both on one datagram; true if they agree or have an excuse. */
static bool compare(struct span datagram)
{
	struct msg m;
	enum err err = msg_parse_udp(datagram, &m);
	enum oracle oracle = ask(datagram, err == ERR_OK ? &m : NULL);

	if (oracle == agreed(err) || excused(datagram, err, oracle, &m))
		return true;
	printf("  %s, libcoap %s: ", err_text(err),
		oracle == ORACLE_REJECTS   ? "rejects"
		: oracle == ORACLE_ACCEPTS ? "accepts"
					   : "reads something else");
	for (size_t i = 0; i < datagram.n; i++)
		printf("%02x", datagram.p[i]);
	printf("\n");
	return false;
}

static void test_examples(void)
{
	for (size_t i = 0; i < EXCUSES; i++) {
		const struct excuse *e = &excuses[i];
		if (!e->example)
			continue;
		struct span in = exact(test_hex(e->example));
		struct msg m;
		enum err err = msg_parse_udp(in, &m);
		CHECK(err == e->err && ask(in, err == ERR_OK ? &m : NULL) == e->oracle &&
				e->holds(in, &m),
			e->what);
		free((void *)in.p);
	}
}

static const char *const seeds[] = {
	"40010001",
	"70001234",
	"44020001c0ffee01b272641128396c776d326d3d312e313d0065703d75726e3a696d65693a31ff3c2f3e",
	"6445000111223344c12861ff50ffdeadbeef",
	"48450001010203040506070860d1250ad1ef0102e101090aff00",
	"41010001aab133013001396063d10502d112141e",
	"58030001aabbccddeeff0011d10e0ed12101ff000102030405060708090a0b0c0d0e0f",
	"40010001e00000d000e0010010d1ff00",
	"400500019305190aff0102030405060708",
	"40010001beff00",
	"40010001e0fef2e00000",
	"40010001e0fef30161",
};

/* Bytes that mean something to a parser come up more often than chance has them. */
static uint8_t odd_byte(uint64_t *state)
{
	static const uint8_t odd[] = {0x00, 0x0d, 0x0e, 0x0f, 0xd0, 0xe0, 0xf0, 0xff, 0xfe, 0xf2};

	return below(state, 2) ? odd[below(state, sizeof(odd))] : (uint8_t)(chance(state) >> 24);
}

static size_t random_datagram(uint64_t *state, uint8_t *out)
{
	size_t n = below(state, below(state, 4) ? 24 : 120);

	for (size_t i = 0; i < n; i++)
		out[i] = odd_byte(state);
	if (n > 0 && below(state, 8))
		out[0] = (uint8_t)(0x40 | below(state, 4) << 4 | below(state, 10));
	return n;
}

/* Small options without end: many of them, and sums of deltas. */
static size_t option_datagram(uint64_t *state, uint8_t *out)
{
	static const uint8_t heads[] = {0x00, 0x10, 0x20, 0x01, 0x11, 0x32, 0x60, 0xd0, 0xe0, 0xd1};
	size_t count = below(state, 50), n = 4;

	memcpy(out, "\x40\x01\x00\x01", 4);
	for (size_t i = 0; i < count; i++) {
		uint8_t head = heads[below(state, below(state, 3) ? 7 : sizeof(heads))];
		size_t more = (size_t)(head & 15) + (head >= 0xe0 ? 2 : head >= 0xd0);
		out[n++] = head;
		for (; more > 0; more--)
			out[n++] = odd_byte(state);
	}
	return n;
}

static size_t mutated_datagram(uint64_t *state, uint8_t *out)
{
	struct span seed = test_hex(seeds[below(state, sizeof(seeds) / sizeof(seeds[0]))]);
	size_t n = seed.n, edits = below(state, 4);

	memcpy(out, seed.p, n);
	for (size_t i = 0; i < edits && n > 0; i++) {
		size_t at = below(state, n);
		switch (below(state, 5)) {
		case 0:
			out[at] ^= (uint8_t)(1 << below(state, 8));
			break;
		case 1:
			out[at] = odd_byte(state);
			break;
		case 2:
			n = at;
			break;
		case 3:
			memmove(&out[at], &out[at + 1], n - at - 1);
			n--;
			break;
		default:
			memmove(&out[at + 1], &out[at], n - at);
			out[at] = odd_byte(state);
			n++;
		}
	}
	return n;
}

struct generator {
	const char *what;
	size_t (*make)(uint64_t *state, uint8_t *out);
};

static const struct generator generators[] = {
	{"random datagrams", random_datagram},
	{"datagrams of many options", option_datagram},
	{"mutated datagrams", mutated_datagram},
};

static void test_generated(void)
{
	enum { KINDS = sizeof(generators) / sizeof(generators[0]) };

	for (size_t kind = 0; kind < KINDS; kind++) {
		uint64_t state = 5683 + kind;
		size_t bad = 0, accepted = 0;
		for (size_t i = 0; i < DATAGRAMS / KINDS && bad < 10; i++) {
			uint8_t buf[DATAGRAM_MAX];
			struct msg m;
			struct span in =
				exact((struct span){buf, generators[kind].make(&state, buf)});
			bad += !compare(in);
			accepted += msg_parse_udp(in, &m) == ERR_OK;
			free((void *)in.p);
		}
		CHECK(bad == 0, generators[kind].what);
		CHECK(accepted > DATAGRAMS / KINDS / 100, "enough of them are messages");
	}
}

int main(void)
{
	coap_startup();
	coap_set_log_level((coap_log_t)0);
	test_examples();
	test_generated();
	for (size_t i = 0; i < EXCUSES; i++)
		printf("%zu times: %s\n", used[i], excuses[i].what);
	return test_done();
}
