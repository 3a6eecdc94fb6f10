/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of an update's course share: firmware_run.c decides, firmware_ask.c puts the
 * questions, firmware_answer.c takes the answers. */
#ifndef LANYARD_SERVER_FIRMWARE_IMPL_H
#define LANYARD_SERVER_FIRMWARE_IMPL_H

#include "server/server_impl.h"

/* Values of /5/0/3 and /5/0/5. */
enum {
	SRV_FW_STATE_IDLE = 0,
	SRV_FW_STATE_DOWNLOADING = 1,
	SRV_FW_STATE_DOWNLOADED = 2,
	SRV_FW_STATE_UPDATING = 3,
	SRV_FW_RESULT_INITIAL = 0,
	SRV_FW_RESULT_SUCCESS = 1,
	SRV_FW_RESULT_DEFERRED = 11,
};
enum {
	SRV_FW_POLL_MS = 2000,
	SRV_FW_POLL_MAX_MS = 60000,
	SRV_FW_RETRY_MS = 10000,
	SRV_FW_RETRY_MAX_MS = 600000,
};

/* ---- firmware_run.c */

/* Its timer: at due_ms, or when nothing has moved for too long. */
void srv_fw_at(struct srv_fw *f, uint64_t due_ms);
/* The next question, and when. */
void srv_fw_ask_at(struct srv_fw *f, enum srv_fw_ask what, uint64_t due_ms);
/* first_ms doubled so often, at most most_ms. */
uint64_t srv_fw_backoff(uint64_t first_ms, uint64_t most_ms, uint8_t doublings);
/* Something has moved. */
void srv_fw_progress(struct srv_fw *f, const struct turn *t);
/* Stored, and told. */
void srv_fw_go_to(struct srv_fw *f, enum srv_fw_step step, struct turn *t);
void srv_fw_fail(struct srv_fw *f, const char *why, struct turn *t);
/* `what`: "its state", and such. */
void srv_fw_fail_code(struct srv_fw *f, const char *what, uint8_t code, struct turn *t);
/* State and result are known: what is next. */
void srv_fw_decide(struct srv_fw *f, struct turn *t);

/* ---- firmware_ask.c */

/* Puts f->next; its answer comes to srv_fw_answered or srv_fw_unanswered. */
void srv_fw_ask(struct srv_fw *f, struct turn *t);
/* No answer came. Where it may only have been lost, the device is asked how it is before anything
 * is repeated. */
void srv_fw_ask_again(struct srv_fw *f, const struct turn *t);
/* Of the device's Object 5: 10, 11, 12. */
uint8_t srv_fw_object_version(const struct srv_reg *g);

#endif
