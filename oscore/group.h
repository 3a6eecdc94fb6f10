/* SPDX-License-Identifier: Apache-2.0 */
/* Group OSCORE (RFC 10021): the context of a group, and its messages in both modes. In group mode
 * all members can read a message and its sender has signed it; in pairwise mode two of them share a
 * key. As in oscore/protect.h, numbers and windows are the caller's, and so is their durability:
 *
 * - One space of numbers serves requests and responses of both modes. A limit above a number is
 *   stored before that number is protected under.
 * - A window that a request has moved (osc_group_accept) is stored before anything of that request
 *   leaves: its effects, or its answer.
 * - That a member is removed is stored (`deleted`) before osc_group_remove.
 * - Gid, Master Secret, Sender ID and the numbers of old ones are stored before the first message
 *   under new ones; then numbers start at 0, and windows are empty. Under one Gid a Sender ID never
 *   comes back.
 * - Where numbers or windows may be lost, the context must not be used again: join the group anew.
 *
 * What a receiver does with a request: osc_group_option_of (4.02); the group by its kid context and
 * the member by its kid, for which the credential may have to be asked for (4.01, or 5.03 while its
 * public key is not there); osc_window_check of the member (4.01, "Replay detected");
 * osc_group_unprotect_request ("Decryption failed", 4.00); osc_group_accept. To a message that may
 * have gone to a whole group no error is sent. */
#ifndef LANYARD_OSCORE_GROUP_H
#define LANYARD_OSCORE_GROUP_H

#include "oscore/cred.h"
#include "oscore/protect.h"

enum { OSC_GROUP_SECRET_MAX = 64 };

struct osc_group_params {
	int group_enc, signature; /* COSE numbers; 0: not set, so that there is no group mode */
	int aead, agreement;      /* the same, of the pairwise mode */
	int hkdf;
	enum osc_cred_format format; /* of the members' credentials */
	struct span master_secret, master_salt, gid;
	struct span gm_cred; /* of the Group Manager; its key is never used */
	/* Ourselves. Without a credential: a silent server, which reads the group mode and cannot
	 * protect anything. */
	struct span sender_id, sender_cred, private_key;
	uint32_t members_max; /* others than ourselves */
	uint8_t window_width; /* as osc_window_init */
	bool deleted;         /* a member was removed under this Gid: new ones start stale */
	/* What is signed has no sign_protected, as RFC 9338 section 3.3 can be read. Other
	 * implementations have it, empty. */
	bool four_elements;
};

/* The keys and all that was derived; copies of what it was made of. Wiped when freed. Not for two
 * threads at once, like the osc_crypto that its functions are given. */
struct osc_group;

/* ERR_UNSUPPORTED: an algorithm or a kind of key that we do not have, or neither mode is whole;
 * ERR_CONFLICT: the key agreement has another hash than the HKDF, the credential's key is of
 * another algorithm than the group's, or the private key is not the credential's; ERR_RANGE: an id
 * longer than the smaller nonce - 6, a Gid above OSC_ID_CONTEXT_MAX, a secret that is empty or
 * above OSC_GROUP_SECRET_MAX, a credential that is empty or too long, no room for members;
 * ERR_NOMEM; the errors of osc_cred_key. */
MUST_USE enum err osc_group_new(
	struct osc_crypto *c, const struct osc_group_params *p, struct osc_group **out);
void osc_group_free(struct osc_group *g);
struct span osc_group_gid(const struct osc_group *g);
bool osc_group_has_pairwise(const struct osc_group *g); /* we can speak it */
bool osc_group_deleted(const struct osc_group *g);
size_t osc_group_members(const struct osc_group *g);

/* Another member, as we receive from it. Id, window and `stale` are for the caller to read, and to
 * set from storage right after osc_group_add. */
struct osc_member {
	struct osc_id id;
	struct osc_window
		window; /* of its requests; what was challenged while stale counts as seen */
	bool stale;     /* what it has sent before is not known: nothing is delivered before it has
			 * answered an Echo challenge */
	/* The rest is the group's. */
	bool has_pairwise;
	uint64_t heard;
	uint8_t key[OSC_KEY_MAX], pairwise_out[OSC_KEY_MAX], pairwise_in[OSC_KEY_MAX];
	struct osc_pkey *public;
	struct span cred;
};

/* NULL: not here, so its credential is needed. */
struct osc_member *osc_group_find(const struct osc_group *g, struct span id);
/* Pairwise keys are made when they are first used. ERR_LIMIT: members_max are here, so one has to
 * go first; ERR_EXISTS; ERR_CONFLICT: our own id, or a key of another algorithm than the group's;
 * ERR_RANGE, ERR_NOMEM, and the errors of osc_cred_key. */
MUST_USE enum err osc_group_add(struct osc_crypto *c, struct osc_group *g, struct span id,
	struct span cred, struct osc_member **out);
/* Who was heard longest ago; NULL if nobody is here. */
struct osc_member *osc_group_oldest(const struct osc_group *g);
/* Its window is lost with it, so from then on whoever is added under this Gid starts stale. */
void osc_group_remove(struct osc_group *g, struct osc_member *m);
/* Of one that was added for a message which then did not verify: that loses nothing. ERR_STATE, and
 * it stays, if a request of it was ever accepted. */
MUST_USE enum err osc_group_forget(struct osc_group *g, struct osc_member *m);

/* Option 9 of a message of a group. */
struct osc_group_option {
	struct osc_option parts;
	bool group;        /* the Group Flag, 0x20 */
	struct span value; /* as it came: it is authenticated */
};
/* Errors as osc_option_of; a request without kid context is ERR_SYNTAX too. */
MUST_USE enum err osc_group_option_of(const struct msg *m, struct osc_group_option *out);
void osc_group_option_encode(const struct osc_option *o, bool group, struct writer *w);

/* Ties responses to their request, for as long as there may be some: kid and Gid stay those of the
 * request when the group gets new keys, or one of the two a new Sender ID. */
struct osc_group_binding {
	struct osc_id kid;
	struct osc_piv piv;
	struct osc_id server; /* to the client: whom it asked, pairwise; to the server: itself */
	uint8_t gid_n;
	uint8_t gid[OSC_ID_CONTEXT_MAX];
	bool group;   /* it was in group mode */
	bool observe; /* it carried Observe 0 */
};

/* Messages as in oscore/protect.h, with the same meaning of plain, outer, buf and errors, and on
 * error the same emptiness; give buf 256 bytes more than the plain message has. ERR_UNSUPPORTED
 * also for a mode that the group has not; ERR_STATE for a silent server that wants to send. */

/* `to` NULL: to the group, signed; else to that member alone. An Echo goes to one member: ERR_STATE
 * in group mode, unless there is no other (section 9). */
MUST_USE enum err osc_group_protect_request(struct osc_crypto *c, struct osc_group *g,
	struct osc_member *to, uint64_t number, const struct msg *plain, struct writer *buf,
	struct msg *out, struct osc_group_binding *binding);

struct osc_group_reply {
	struct osc_member *to;  /* NULL: in group mode; else pairwise, to the one that asked */
	const uint64_t *number; /* NULL: under the request's nonce, once for each request */
	bool with_kid;          /* even if it could be left out */
};
/* The kid is there if the request was in group mode or our Sender ID has changed since, the kid
 * context if the Gid has. ERR_STATE: no number, though the context is another one than that of the
 * request; or an Observe that nobody has asked for. */
MUST_USE enum err osc_group_protect_response(struct osc_crypto *c, struct osc_group *g,
	const struct osc_group_reply *how, const struct osc_group_binding *binding,
	const struct msg *plain, struct writer *buf, struct msg *out);

/* Whose window was checked. The signature is verified before anything is decrypted; ERR_AUTH says
 * no more than that one of the two failed, and the caller touches no window then. Wrong kid or kid
 * context: ERR_AUTH. `binding` is filled for ERR_OK and ERR_SYNTAX. */
MUST_USE enum err osc_group_unprotect_request(struct osc_crypto *c, struct osc_group *g,
	struct osc_member *m, const struct osc_group_option *opt, const struct msg *outer,
	struct writer *buf, struct msg *plain, struct osc_group_binding *binding);
/* For osc_echo_make and osc_echo_check: no two members have the same, and none after a rekey. */
uint64_t osc_group_echo_id(const struct osc_group *g, const struct osc_member *m);
/* Marks the number of an unprotected request as seen. true: it may be delivered. false: `m` is
 * stale, and nothing but a protected 4.01 with an Echo, under a number of our own, may come of it.
 * `echoed`: the request had the Echo value that was made for this member and Gid. It counts in
 * pairwise mode, or where there is none: signed requests can be redirected to somebody else. */
bool osc_group_accept(
	struct osc_group *g, struct osc_member *m, const struct osc_group_binding *b, bool echoed);

/* Whose response this is: its kid, or else of whom a pairwise request was asked. ERR_SYNTAX:
 * neither says it. */
MUST_USE enum err osc_group_responder(const struct osc_group_binding *binding,
	const struct osc_group_option *opt, struct span *id);
/* A response of `m` under this group, which may be a later one than the request's. `number` as in
 * osc_unprotect_response: the caller takes at most one response without from each member, as the
 * oldest, and never the same number twice. ERR_AUTH also for another Gid, for another member than
 * was asked, and for a number that is missing under a new Gid. */
MUST_USE enum err osc_group_unprotect_response(struct osc_crypto *c, struct osc_group *g,
	struct osc_member *m, const struct osc_group_binding *binding, const struct msg *outer,
	struct writer *buf, struct msg *plain, uint64_t *number);

/* For tests and tools: the aad_array of a message (section 3.4). */
void osc_group_aad(const struct osc_group *g, const struct osc_group_binding *b, struct span option,
	struct span sender_cred, struct writer *w);

#endif
