/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS with a pre-shared key, both ends in this process: the CPU of a handshake through our sockets
 * and tables over loopback, cookie included, beside that of OpenSSL with itself in memory and
 * without one; and what the server keeps of an open session.
 *
 *     dtls [SESSIONS] */
#include "transport/dtls.h"

#include <event2/event.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { LISTENER = 0, PLACE = 1, AT_A_TIME = 32 };

static size_t arrived;

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "dtls: %s\n", what);
	exit(1);
}

static double cpu_us(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static void give_key(struct channel_psk *out)
{
	*out = (struct channel_psk){.mark = 1, .key_n = 16};
	memcpy(out->key, "0123456789abcdef", 16);
}

static bool on_psk(void *arg, uint16_t listener, struct span identity, struct channel_psk *out)
{
	(void)arg, (void)listener, (void)identity;
	give_key(out);
	return true;
}

static bool on_known(void *arg, uint16_t listener, uint64_t mark)
{
	(void)arg, (void)listener, (void)mark;
	return true;
}

static bool on_own(void *arg, const struct peer *to, char identity[static CHANNEL_IDENTITY_MAX + 1],
	struct channel_psk *out)
{
	(void)arg, (void)to;
	snprintf(identity, CHANNEL_IDENTITY_MAX + 1, "urn:imei:123456789012345");
	give_key(out);
	return true;
}

static void on_failed(void *arg, const struct peer *who, const struct channel_failure *f)
{
	(void)arg, (void)who, (void)f;
	need(false, "a handshake failed");
}

static void on_input(void *arg, const struct peer *from, struct span datagram)
{
	(void)arg, (void)from, (void)datagram;
	arrived++;
}

static void on_turn(void *arg)
{
	net_flush(*(struct net **)arg);
}

static struct net *open_net(struct event_base *base, struct net **slot)
{
	need(!net_new(base, on_input, on_turn, slot, slot), "net_new");
	net_secure(*slot, &(struct net_secure){.psk = on_psk,
				  .known = on_known,
				  .own = on_own,
				  .failed = on_failed,
				  .sessions = 1000000,
				  .handshakes = 1000000,
				  .idle_ms = 86400000,
				  .handshake_ms = 60000});
	return *slot;
}

/* One session from each of 127.1.0.0 and up, some at a time. */
static void run(struct event_base *base, struct net *client, struct peer to, size_t sessions)
{
	double began = cpu_us();
	for (size_t sent = 0; arrived < sessions;) {
		need(cpu_us() - began < 5000.0 * (double)sessions + 5e6, "a message was lost");
		while (sent < sessions && sent - arrived < AT_A_TIME) {
			uint8_t local[4] = {127, (uint8_t)(1 + (sent >> 16)), (uint8_t)(sent >> 8),
				(uint8_t)sent};
			memcpy(to.local, local, sizeof(local));
			to.local_n = 4;
			need(!net_send(client, &to, SPAN_LIT("hello")), "net_send");
			sent++;
		}
		net_flush(client);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

/* OpenSSL with itself. */
static unsigned client_psk(SSL *ssl, const char *hint, char *identity, unsigned max,
	unsigned char *key, unsigned key_max)
{
	(void)ssl, (void)hint, (void)key_max;
	snprintf(identity, max, "urn:imei:123456789012345");
	memcpy(key, "0123456789abcdef", 16);
	return 16;
}

static unsigned server_psk(SSL *ssl, const char *identity, unsigned char *key, unsigned max)
{
	(void)ssl, (void)identity, (void)max;
	memcpy(key, "0123456789abcdef", 16);
	return 16;
}

static double alone_us(size_t n)
{
	SSL_CTX *c = SSL_CTX_new(DTLS_method());
	SSL_CTX_set_security_level(c, 0);
	need(c && SSL_CTX_set_cipher_list(c, "PSK-AES128-CCM8"), "a suite");
	SSL_CTX_set_psk_client_callback(c, client_psk);
	SSL_CTX_set_psk_server_callback(c, server_psk);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(c, SSL_OP_NO_QUERY_MTU);
	double began = cpu_us();
	for (size_t i = 0; i < n; i++) {
		SSL *a = SSL_new(c), *b = SSL_new(c);
		BIO *to_a = BIO_new(BIO_s_mem()), *to_b = BIO_new(BIO_s_mem());
		BIO_set_mem_eof_return(to_a, -1);
		BIO_set_mem_eof_return(to_b, -1);
		BIO_up_ref(to_a);
		BIO_up_ref(to_b);
		SSL_set_bio(a, to_a, to_b);
		SSL_set_bio(b, to_b, to_a);
		SSL_set_mtu(a, 1232);
		SSL_set_mtu(b, 1232);
		SSL_set_connect_state(a);
		SSL_set_accept_state(b);
		for (int k = 0; k < 10 && (SSL_do_handshake(a) != 1 || SSL_do_handshake(b) != 1);
			k++)
			(void)SSL_do_handshake(b);
		need(SSL_is_init_finished(a) && SSL_is_init_finished(b), "OpenSSL with itself");
		SSL_free(a);
		SSL_free(b);
	}
	double us = (cpu_us() - began) / (double)n;
	SSL_CTX_free(c);
	return us;
}

int main(int argc, char **argv)
{
	size_t sessions = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000;
	char why[256] = "";
	struct event_base *base = event_base_new();
	struct net *server_slot, *client_slot;
	struct net *server = open_net(base, &server_slot), *client = open_net(base, &client_slot);
	struct peer to;
	need(!net_listen_dtls(server, LISTENER, "127.0.0.1", 0, why), why);
	need(!net_dial_dtls(client, PLACE, "0.0.0.0", why), why);
	need(!net_peer("127.0.0.1", net_port(server, LISTENER), PLACE, &to), "a peer");
	to.bearer = BEARER_DTLS;
	struct mallinfo2 before = mallinfo2();
	double began = cpu_us();
	run(base, client, to, sessions);
	double us = (cpu_us() - began) / (double)sessions, alone = alone_us(1000);
	net_free(client);
	struct mallinfo2 after = mallinfo2();
	struct net_stats st;
	net_stats(server, &st);
	need(st.dtls_open == sessions, "all are open");
	printf("%-44s %12.0f %-8s %.1f times the %.0f us of OpenSSL with itself in memory; PSK, "
	       "CCM_8, a "
	       "cookie and a message; %zu of them\n",
		"DTLS handshake, both ends", us, "us CPU", us / alone, alone, sessions);
	printf("%-44s %12.0f %-8s\n", "memory, open DTLS session",
		(double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) /
			(double)sessions,
		"bytes");
	net_free(server);
	event_base_free(base);
	return 0;
}
