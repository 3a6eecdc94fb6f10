/* SPDX-License-Identifier: Apache-2.0 */
/* The PDUs of SMPP 3.4 that a client of a message centre needs. Pure; private to transport/ and its
 * tests. They are few, so they are written here: libsmpp34 reads a deliver_sm with some eighty
 * optional parameters into a crash, takes a parameter whose length is not that of its value, and no
 * message_payload above 1024 bytes. */
#ifndef LANYARD_TRANSPORT_SMPP_PDU_H
#define LANYARD_TRANSPORT_SMPP_PDU_H

#include "base/span.h"

enum {
	SMPP_HEAD = 16,
	SMPP_PDU_MAX = 4096,     /* of what is read whole: a message and what may be around it */
	SMPP_PDU_SKIP = 1 << 17, /* no PDU is longer: what says so has lost the frame */
	SMPP_ID_MAX = 15,
	SMPP_PASSWORD_MAX = 8,
	SMPP_TYPE_MAX = 12,
	SMPP_ADDRESS_MAX = 20,
	SMPP_OUT_MAX = 320, /* the longest PDU that we write */
};

enum smpp_command {
	SMPP_BIND_TRANSCEIVER = 0x09,
	SMPP_SUBMIT_SM = 0x04,
	SMPP_DELIVER_SM = 0x05,
	SMPP_UNBIND = 0x06,
	SMPP_ENQUIRE_LINK = 0x15,
	SMPP_ALERT_NOTIFICATION = 0x102,
};
#define SMPP_RESPONSE     UINT32_C(0x80000000) /* added to the command that is answered */
#define SMPP_GENERIC_NACK SMPP_RESPONSE

enum smpp_status {
	SMPP_OK = 0,
	SMPP_BAD_LENGTH = 0x02,
	SMPP_BAD_COMMAND = 0x03,
	SMPP_BAD_STATE = 0x04,
	SMPP_QUEUE_FULL = 0x14,
	SMPP_THROTTLED = 0x58,
	SMPP_TRY_LATER = 0x64, /* a temporary fault of the receiver */
	SMPP_NEVER = 0x65,     /* a permanent one */
};
/* "throttled", "wrong password"; for those not known "refused". */
const char *smpp_status_text(uint32_t status);

struct smpp_head {
	uint32_t length, command, status, sequence;
};
/* ERR_SHORT: fewer bytes than SMPP_HEAD. The length is not looked at. */
MUST_USE enum err smpp_head_read(struct span s, struct smpp_head *out);

struct smpp_deliver {
	struct span source; /* an address as it came */
	uint8_t esm_class, data_coding;
	struct span user_data;
	bool has_sar; /* all three of them; then: */
	uint16_t sar_ref;
	uint8_t sar_total, sar_number;
};
/* The body of a deliver_sm, to its last byte. ERR_SHORT, ERR_SYNTAX. */
MUST_USE enum err smpp_deliver_read(struct span body, struct smpp_deliver *out);
/* A receipt, or another thing that is no message (section 5.2.12): bits 5 to 2. */
static inline bool smpp_is_receipt(const struct smpp_deliver *d)
{
	return (d->esm_class & 0x3c) != 0;
}
/* Bytes, and no text in letters. */
bool smpp_is_binary(const struct smpp_deliver *d);

/* Without a body: enquire_link, unbind, their answers, generic_nack. */
void smpp_write_plain(struct writer *w, uint32_t command, uint32_t status, uint32_t sequence);
void smpp_write_deliver_resp(struct writer *w, uint32_t status, uint32_t sequence);
struct smpp_bind {
	const char *system_id, *password, *system_type;
};
void smpp_write_bind(struct writer *w, const struct smpp_bind *b, uint32_t sequence);
struct smpp_submit {
	const char *source, *destination; /* digits; source "": that of the account */
	bool has_header;                  /* the user data does */
	uint64_t validity_s;              /* at most 30 days are said */
	struct span user_data;
	bool has_sar;
	uint16_t sar_ref;
	uint8_t sar_total, sar_number;
};
void smpp_write_submit(struct writer *w, const struct smpp_submit *s, uint32_t sequence);

#endif
