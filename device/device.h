/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated LwM2M 1.1 client secured by OSCORE, sans-IO: bytes and time come in as arguments,
 * datagrams and events go out through a struct dev_out. One host holds one or thousands of devices.
 *
 * Write ahead: a sender sequence number is used only below a limit that the next run will start at,
 * so the caller makes the state of every device in `dirty` (or the host's shared limit) durable
 * before it releases the datagrams of the same struct dev_out. */
#ifndef LANYARD_DEVICE_DEVICE_H
#define LANYARD_DEVICE_DEVICE_H

#include "base/arena.h"
#include "base/peer.h"
#include "base/secret.h"
#include "device/credentials.h"
#include "lwm2m/path.h"

struct dev_host;
struct dev;

enum dev_numbers {
	DEV_NUMBERS_FORGET, /* nothing is kept: the credentials serve one run only */
	DEV_NUMBERS_OWN,    /* each device has its state text */
	DEV_NUMBERS_SHARED, /* one limit for all devices of the host; windows are not kept */
};

/* RFC 8613 Appendix B.2. */
enum dev_recover {
	DEV_RECOVER_NONE,   /* not known */
	DEV_RECOVER_ANSWER, /* new keys are taken when the server offers them */
	DEV_RECOVER_BEGIN,  /* and asked for at the first use of a secret */
};

struct dev_options {
	enum dev_numbers numbers;
	uint32_t lifetime_s;             /* lt, where no bootstrap says otherwise */
	uint32_t update_interval_ms;     /* 0: some time before the lifetime ends */
	uint32_t update_jitter_permille; /* of that interval, either way */
	bool update_spread;              /* the first Update anywhere within the interval */
	uint32_t ack_timeout_ms; /* ACK_TIMEOUT (RFC 7252 section 4.8); 0: that of the bearer */
	uint32_t in_flight_max;  /* devices with a request under way, or in a bootstrap; 0: all */
	uint32_t notify_interval_ms; /* how often the observed values change */
	uint32_t retry_ms;           /* the wait after a failure; doubles, up to 64 times this */
	uint32_t blob_bytes;         /* size of /19/0/0 */
	uint32_t body_limit_bytes;   /* of a write in blocks */
	uint32_t sensors;            /* instances of /3303 at the start, 1 to 40 */
	uint32_t gateway;            /* devices behind it (Object 25), 0 to 40 */
	uint16_t block_bytes;        /* the largest block, 16 to 1024 */
	uint32_t firmware_update_ms; /* how long an update takes */
	uint8_t firmware_delivery;   /* as /5/0/9 has it: 0 pull, 1 push, 2 both */
	uint8_t firmware_result;     /* how an update ends, as /5/0/5 has it; 1: well */
	bool firmware_auto;          /* it updates by itself (/5/0/14) */
	bool confirmable;            /* notifications are CON */
	bool challenge; /* ask for an Echo first when the receive side may have lost state */
	enum dev_recover recover;
	bool queue; /* queue mode: deaf when it has been quiet for awake_ms */
	uint32_t awake_ms;
	bool all_formats;       /* speak every content format, not text, opaque and TLV alone */
	bool pack;              /* ask for a Bootstrap-Pack first (LwM2M 1.2) */
	bool unasked;           /* take a bootstrap that it has not asked for (LwM2M 1.0) */
	bool bootstrap_anew;    /* bootstrap even if there is a server account */
	int64_t wall_offset_ms; /* wall clock minus the clock of `now_us` */
};

/* Sensible values for all of them. */
void dev_options_default(struct dev_options *o);

enum dev_op {
	DEV_OP_NONE,
	DEV_OP_BOOTSTRAP,
	DEV_OP_PACK,
	DEV_OP_REGISTER,
	DEV_OP_UPDATE,
	DEV_OP_DEREGISTER
};
const char *dev_op_name(enum dev_op op);

enum dev_event_kind {
	DEV_EVENT_CONNECT, /* text is a URI: the caller answers with dev_connect */
	DEV_EVENT_SENT,    /* the first transmission of op */
	DEV_EVENT_CHALLENGED,
	DEV_EVENT_DONE,   /* op succeeded; latency_us */
	DEV_EVENT_FAILED, /* op failed; code or 0; text says why; the device tries again */
	DEV_EVENT_BS_DISCOVER,
	DEV_EVENT_BS_READ,
	DEV_EVENT_BS_DELETE,
	DEV_EVENT_BS_WRITE,
	DEV_EVENT_BS_FINISH,
	DEV_EVENT_READ,
	DEV_EVENT_WRITE,
	DEV_EVENT_EXECUTE,
	DEV_EVENT_DISCOVER,
	DEV_EVENT_ATTRIBUTES,
	DEV_EVENT_CREATE,
	DEV_EVENT_DELETE,
	DEV_EVENT_OBSERVE,
	DEV_EVENT_OBSERVE_END,
	DEV_EVENT_NOTIFY,
	DEV_EVENT_NOTIFY_ACKED, /* latency_us */
	DEV_EVENT_REBOOT,
	DEV_EVENT_REFUSED,   /* a request of the server; text says why */
	DEV_EVENT_DUPLICATE, /* answered again with the same bytes */
	DEV_EVENT_CHALLENGE, /* we asked the server for an Echo */
	DEV_EVENT_RECOVERED, /* new keys are in use, by B.2 */
	DEV_EVENT_MISSED,    /* a datagram that came while it was asleep */
	DEV_EVENT_FIRMWARE,  /* a package is here; text tells its bytes and SHA-256 */
	DEV_EVENT_STOPPED,
};
/* "registered", "read", ...: one word a kind (and op). */
const char *dev_event_name(enum dev_event_kind kind, enum dev_op op);

struct dev_event {
	struct dev_event *next;
	struct dev *dev;
	enum dev_event_kind kind;
	enum dev_op op;
	uint8_t code; /* of the response, ours or the server's; 0: none */
	struct lwm_path path;
	uint64_t latency_us;
	struct span text; /* lives as long as the event */
};

struct dev_datagram {
	struct dev_datagram *next;
	struct peer to;
	struct span bytes;
};

/* What a call leaves behind, appended in order. Everything in it dies with dev_out_reset. */
struct dev_out {
	struct arena arena;
	struct dev_datagram *datagrams, **datagrams_end;
	struct dev_event *events, **events_end;
	struct dev *dirty;    /* see dev_out_dirty */
	bool limit_raised;    /* dev_host_limit must be durable first */
	enum err err;         /* ERR_NOMEM: something is missing; sticky */
	struct dev_event dud; /* where events go that found no memory */
};

void dev_out_init(struct dev_out *o);
void dev_out_fini(struct dev_out *o);
void dev_out_reset(struct dev_out *o);
/* The next device whose state must be durable before the datagrams leave, or NULL. Each call takes
 * one off. */
struct dev *dev_out_dirty(struct dev_out *o);

/* `rng` is copied. ERR_NOMEM, ERR_UNSUPPORTED. */
MUST_USE enum err dev_host_new(
	const struct dev_options *o, const struct rng *rng, uint64_t now_us, struct dev_host **out);
/* Frees its devices too; wipes their keys. */
void dev_host_free(struct dev_host *h);
/* DEV_NUMBERS_SHARED: below which no number must be used again, and where a run starts. */
uint64_t dev_host_limit(const struct dev_host *h);
void dev_host_start_at(struct dev_host *h, uint64_t number);
/* The first number that no device of the host has used: the shared limit after a clean stop. */
uint64_t dev_host_unused(const struct dev_host *h);

/* Changes dev_options.update_interval_ms for Updates still to be planned. */
void dev_host_update_interval(struct dev_host *h, uint32_t interval_ms);

/* `c` is copied and must pass dev_credentials_check. `local` is the address the device sends from
 * and is told apart by (4 or 16 bytes; empty: any). Errors: ERR_NOMEM, those of osc_derive. */
MUST_USE enum err dev_new(struct dev_host *h, uint32_t index, const struct dev_credentials *c,
	struct span local, struct dev **out);
struct dev_host_stats {
	uint64_t retransmitted, lost;           /* messages of ours; lost: never answered */
	uint32_t registered, in_flight, queued; /* devices, now */
};
const struct dev_host_stats *dev_host_stats(const struct dev_host *h);
const char *dev_endpoint(const struct dev *d);
uint32_t dev_index(const struct dev *d);
bool dev_registered(const struct dev *d);
bool dev_stopped(const struct dev *d);

/* The state of a device as text, with its secrets: keep it private. `clean` says that nothing will
 * be used after it, so that it holds exact numbers and the window. At most DEV_STATE_MAX bytes. */
enum { DEV_STATE_MAX = 8192 };
MUST_USE enum err dev_state_write(const struct dev *d, bool clean, struct writer *w);
/* Before dev_start. Numbers count for the keys they were kept for, whatever the credentials now
 * are. ERR_SYNTAX, ERR_NEWER, ERR_CONFLICT (the state of another endpoint); the device is then
 * unfit for use. Make the state durable once more, with `clean` false, before the first datagram
 * comes in: a run that ends without a clean stop must not leave a clean state behind. */
MUST_USE enum err dev_state_read(struct dev *d, struct span text);

/* Times are microseconds of a clock that never goes back. */
void dev_start(struct dev *d, uint64_t now_us, struct dev_out *out);
/* Answers DEV_EVENT_CONNECT. `to` NULL: no such host. */
void dev_connect(struct dev *d, const struct peer *to, uint64_t now_us, struct dev_out *out);
void dev_input(struct dev *d, const struct peer *from, struct span datagram, uint64_t now_us,
	struct dev_out *out);
/* A connection that the device's datagrams went by has ended. */
void dev_closed(struct dev *d, const struct peer *who, uint64_t now_us, struct dev_out *out);
/* Serves every timer of the host that is due. */
void dev_tick(struct dev_host *h, uint64_t now_us, struct dev_out *out);
/* When dev_tick has work next; UINT64_MAX: never. */
uint64_t dev_next_us(const struct dev_host *h);
/* Ends all activity, after a De-register if that is wanted and there is a registration;
 * DEV_EVENT_STOPPED tells when. */
void dev_stop(struct dev *d, bool deregister, uint64_t now_us, struct dev_out *out);

#endif
