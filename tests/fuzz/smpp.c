/* SPDX-License-Identifier: Apache-2.0 */
/* What a message centre may send, in pieces whose lengths the first byte tells, while messages are
 * on their way out. Whatever comes, what is sent are whole PDUs, what is told is within its bounds,
 * and each message comes back, once. */
#include "transport/smpp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGES = 5 };

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void read_output(struct smpp *s)
{
	for (struct span o; (o = smpp_output(s)).n;) {
		struct smpp_head h;
		require(!smpp_head_read(o, &h) && h.length >= SMPP_HEAD && h.length <= o.n &&
			h.length <= SMPP_OUT_MAX);
		smpp_sent(s, h.length);
	}
}

/* False: the connection is over. */
static bool run(struct smpp *s, uint64_t now_ms, bool *back)
{
	struct smpp_told t;
	do {
		smpp_next(s, now_ms, &t);
		read_output(s);
		if (t.kind == SMPP_SENT || t.kind == SMPP_FAILED) {
			size_t i = (size_t)t.message->number[0] - '0';
			require(i < MESSAGES && !back[i]);
			back[i] = true;
		}
		if (t.kind == SMPP_MESSAGE) {
			require(t.bytes.n <= SMS_MESSAGE_MAX && strlen(t.number) <= SMS_NUMBER_MAX);
			if (now_ms % 3)
				smpp_answer(s, t.delivery, now_ms % 3 == 1);
		}
	} while (t.kind != SMPP_NOTHING && t.kind != SMPP_BROKEN);
	return t.kind != SMPP_BROKEN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[SMS_MESSAGE_MAX] = {0x40};
	struct smpp_opts o = {.system_id = "a",
		.window = 3,
		.enquire_ms = 50,
		.answer_ms = 20,
		.concat = size % 3,
		.box = {.messages = 4, .per_number = 2, .wait_ms = 30}};
	struct smpp_message m[MESSAGES];
	bool back[MESSAGES] = {false};
	struct smpp *s = NULL;
	struct span rest = span_make(data, size);
	size_t piece = size ? 1 + data[0] : 1;
	if (smpp_new(&o, &s))
		return 0;
	smpp_opened(s, 0);
	for (size_t i = 0; i < MESSAGES; i++) {
		m[i] = (struct smpp_message){
			.bytes = {bytes, 1 + i * 150}, .expires_ms = 1 + i * 40};
		m[i].number[0] = (char)('0' + i);
		require(!smpp_send(s, &m[i]));
	}
	/* The answer to the bind is not for the fuzzer to find. */
	static const uint8_t bound[] = {0, 0, 0, 16, 0x80, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1};
	require(smpp_feed(s, SPAN_OF(bound)) == sizeof(bound));
	bool open = run(s, 0, back);
	for (uint64_t now = 1; rest.n && open; now++) {
		size_t n = smpp_feed(s, span_sub(rest, 0, piece));
		require(n);
		rest = span_sub(rest, n, rest.n);
		open = run(s, now, back);
	}
	smpp_closed(s);
	for (struct smpp_message *b; (b = smpp_take_back(s));) {
		size_t i = (size_t)b->number[0] - '0';
		require(!back[i]);
		back[i] = true;
	}
	for (size_t i = 0; i < MESSAGES; i++)
		require(back[i]);
	smpp_free(s);
	return 0;
}
