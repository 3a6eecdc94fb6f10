/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters of Register, Update, Bootstrap-Request and Bootstrap-Pack (REG-01, REG-02,
 * REG-11; CT-20 to 25).
 */
#ifndef LANYARD_LWM2M_REGPARAM_H
#define LANYARD_LWM2M_REGPARAM_H

#include "coap/msg.h"

enum { LWM_EP_MAX = 255 };

enum lwm_binding {
	LWM_BIND_U = 1,
	LWM_BIND_T = 2,
	LWM_BIND_S = 4,
	LWM_BIND_N = 8,
	LWM_BIND_M = 16,
	LWM_BIND_H = 32
};

struct lwm_reg_params {
	bool has_ep, has_lt, has_lwm2m, has_b, has_sms, has_pct, has_pid, has_acc;
	bool queue;          /* Q, Q=, or a Q inside b */
	struct span ep;      /* raw bytes into the message */
	uint32_t lifetime_s; /* 0: no expiry. Absent: 86400 */
	uint8_t lwm2m;   /* 10 times major plus minor: 10 when absent; 0 when it is no version we
			    serve */
	uint8_t binding; /* bits; U always set */
	struct span sms, pid, acc;
	uint32_t pct;
};

/* Any order, unknown keys are skipped. ERR_SYNTAX for a repeated key, an ep that is empty, longer
 * than LWM_EP_MAX, not UTF-8 or holds control characters, a bad number, an sms that is not digits
 * (nor, in 1.2, an External Identifier with its @). "lwm2m" of another major version is not an
 * error here (4.12 is the engine's). */
MUST_USE enum err lwm_reg_params_parse(const struct msg *m, struct lwm_reg_params *out);
/* Whether it is a Profile ID, or some with commas between, in quotes or not (PID-01). An id is
 * opaque: SUITE:HEX, oma:NAME or v:NAME. */
enum { LWM_PIDS_MAX = 16 };
bool lwm_pid_valid(struct span pid);
/* "U", "UQS" in 1.0; letters from UTSNMH otherwise. */
void wr_binding(struct writer *w, uint8_t binding);

#endif
