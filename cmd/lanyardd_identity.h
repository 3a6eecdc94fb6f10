/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys of lanyardd's listeners: which files, and what is wrong with them. */
#ifndef LANYARD_CMD_LANYARDD_IDENTITY_H
#define LANYARD_CMD_LANYARDD_IDENTITY_H

#include "config/config.h"
#include "transport/net.h"

/* Told of what is wrong, with the place in the configuration. */
struct daemon_identity {
	const struct cfg *cfg;
	const char *config; /* the main file */
	cfg_error_fn *tell;
};

/* Nothing is asked of OpenSSL that it has not; also where files are not read. */
bool daemon_identity_possible(const struct daemon_identity *d);
/* Whether all files could be used; those that only systemd can hand over are left out where it has
 * not. */
bool daemon_identity_check(const struct daemon_identity *d);
/* Listener `at` gets what its files hold now; false, and it keeps what it had: told. */
bool daemon_identity_load(const struct daemon_identity *d, struct net *n, size_t at);
/* All of them, while they are open: sessions go on under what they began with. */
void daemon_identity_reload(const struct daemon_identity *d, struct net *n);

/* A handshake came to nothing, for that reason (NULL: not to be told); rate-limited. */
void daemon_tell_failed(
	const char *why, const struct channel_failure *f, const struct peer *who, uint64_t now_ms);

#endif
