#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# DTLS and TLS with clients that nobody here wrote: libcoap's and OpenSSL's. Who gets in, under which name, with what
# required, and what an operator is told of the others. Proves: SEC-01, SEC-03, SEC-07, SEC-15, CT-102
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/scenario/lib/daemon.sh dtls
cat >"$dir/lanyard.conf" <<-CONF
	[listen dtls]
	transport = dtls
	address = 127.0.0.1
	port = 0
	[listen strict]
	transport = dtls
	require = oscore+dtls
	address = 127.0.0.1
	port = 0
	[listen tls]
	transport = tls
	address = 127.0.0.1
	port = 0
	[listen bootstrap]
	role = bootstrap
	transport = dtls
	address = 127.0.0.1
	port = 0
	[storage]
	dir = $dir/state
	[admin]
	socket = $dir/admin.sock
	socket_group =
CONF
launch
port=$(port dtls)
check 'status tells the transport' shows '^dtls +server +dtls +127\.0\.0\.1 +'"$port" status
check 'and what is required' shows '"require":"oscore\+dtls"' -j status

key=0123456789abcdef hex=30313233343536373839616263646566
# psk EP ROLE IDENTITY
psk() {
	echo "{\"role\":\"$2\",\"identity\":\"$3\",\"key\":\"$hex\"}" >"$dir/psk.json"
	ctl psk "$1" --from "$dir/psk.json"
}
check 'a device gets a key, under an identity that is not its name (CT-102)' psk meter server 'urn:imei:1'
check 'and one for bootstrap' psk meter bootstrap 'urn:imei:1'
check 'another gets one' psk other server other
check 'a third gets one that is drawn' ctl psk third --generate
out_has '^key +[0-9a-f]{32}$' || give_up 'the key is shown once'
secret=$(sed -nE 's/^key +//p' "$dir/out")
check 'identities are listed' shows '^server +urn:imei:1' psk meter
check 'keys are not' [ -z "$(lanyardctl -j psk third | grep "$secret")" ]
check 'an identity is one device'\''s' sh -c "! lanyardctl psk x --generate --identity other >/dev/null 2>&1"

# client IDENTITY KEY PORT EP [QUERY]
client() {
	timeout 6 coap-client-openssl -v 6 -B 3 -m post -t 40 -e '</3/0>' -u "$1" -k "$2" \
		"coaps://127.0.0.1:$3/rd?ep=$4&lt=60&lwm2m=1.1&b=U" >"$dir/out" 2>&1 </dev/null
}
client urn:imei:1 $key "$port" meter
check 'libcoap registers with PSK' out_has 'c:2\.01'
check 'secured by DTLS' shows '"security":"dtls"' -j show meter
check 'at a DTLS address' shows '"address":"dtls 127\.0\.0\.1:' -j show meter
client urn:imei:1 $key "$port" other
check 'under another name it gets 4.00 (SEC-07)' out_has 'c:4\.00|4\.00'
check 'which is explained' shows 'ep-mismatch' explain meter
client urn:imei:1 $key "$(port strict)" meter
check 'where OSCORE is required as well it gets 4.01' out_has 'c:4\.01|4\.01'
check 'which is explained too' shows 'weak-channel' explain meter
check 'a device may require more than its listener' ctl set other require=oscore
client other $key "$port" other
check 'then DTLS alone is too weak' out_has 'c:4\.01|4\.01'
check 'until it does not' ctl set other require=any
client other $key "$port" other
check 'and it registers' out_has 'c:2\.01'

# s_client PORT IDENTITY KEY SUITE [OPTIONS]
s_client() {
	sleep 0.3 | timeout 40 openssl s_client -dtls1_2 -connect "127.0.0.1:$1" -psk_identity "$2" -psk "$3" \
		-cipher "$4@SECLEVEL=0" "${@:5}" >"$dir/out" 2>&1
}
for suite in PSK-AES128-CCM8 PSK-AES128-CBC-SHA256; do
	s_client "$port" other $hex $suite
	check "OpenSSL comes in with $suite (SEC-03)" out_has "Cipher is $suite"
	check '... without renegotiation' out_has 'Secure Renegotiation IS supported'
done
for suite in PSK-AES256-GCM-SHA384 PSK-AES128-CBC-SHA ECDHE-PSK-AES128-CBC-SHA256 PSK-NULL-SHA256; do
	s_client "$port" other $hex $suite
	check "not with $suite" out_has 'alert handshake failure'
done
s_client "$port" other $hex PSK-AES128-CCM8 -sess_out "$dir/session"
s_client "$port" other $hex PSK-AES128-CCM8 -sess_in "$dir/session"
check 'a session is resumed' out_has '^Reused, TLSv1'
check 'the operator replaces the key' ctl psk other --generate --identity other --replace
s_client "$port" other $hex PSK-AES128-CCM8 -sess_in "$dir/session"
check 'then it is not' sh -c "! grep -qE '^(Reused|New), TLSv1' '$dir/out'"

# Over TLS, with the same keys.
timeout 6 coap-client-openssl -v 6 -B 3 -m post -t 40 -e '</3/0>' -u urn:imei:1 -k $key \
	"coaps+tcp://127.0.0.1:$(port tls)/rd?ep=meter&lt=60&lwm2m=1.1&b=T" >"$dir/out" 2>&1 </dev/null
check 'libcoap registers over TLS (TRN-TCP-1)' out_has 'c:2\.01'
check 'which is told' shows '"security":"tls"' -j show meter
tls_client() {
	sleep 0.3 | timeout 40 openssl s_client -connect "127.0.0.1:$(port tls)" -psk_identity "$1" -psk "$2" \
		"${@:3}" 2>&1 | tr -d '\0' >"$dir/out"
}
tls_client urn:imei:1 $hex -tls1_2 -cipher PSK-AES128-CCM8@SECLEVEL=0
check 'OpenSSL comes in over TLS 1.2' grep -aq 'Cipher is PSK-AES128-CCM8' "$dir/out"
tls_client urn:imei:1 $hex -tls1_3 -alpn coap
check 'and over TLS 1.3, which agrees on coap' grep -aq 'ALPN protocol: coap' "$dir/out"
tls_client urn:imei:1 $hex -tls1_3 -alpn h2
check 'but not on anything else' grep -aq 'alert no application protocol' "$dir/out"
tls_client urn:imei:1 $hex -tls1_1 -cipher ALL@SECLEVEL=0
check 'nor over TLS 1.1' grep -aq 'alert protocol version' "$dir/out"
for identity in urn:imei:1 nobody; do
	tls_client $identity 00112233445566778899aabbccddeeff -tls1_2 -cipher PSK-AES128-CCM8@SECLEVEL=0
	check "a wrong key of $identity looks like a bad record" grep -aq 'alert bad record mac' "$dir/out"
done

# What strangers see is silence, or from OpenSSL 3.2 on an alert after which devices try again, and what the operator
# sees is the reason: a handshake has a minute, so only that it began is looked at here.
told_nothing() { ! grep -E 'c:[245]|alert' "$dir/out" | grep -qv 'alert read:fatal:bad record mac$'; }
client nobody $key "$port" meter
check 'an identity that nobody has is told nothing' told_nothing
client third $key "$port" third
check 'and so is a wrong key (CT-14)' told_nothing
client urn:imei:1 $key "$(port bootstrap)" meter
check 'the key for bootstrap does not register' out_has '4\.04'
client other $key "$(port bootstrap)" other
check 'that of the server is none at the bootstrap server (SEC-15)' told_nothing
check 'a key is taken away' ctl psk meter --delete
check 'and its registration with it' shows '"registered":false' -j show meter
check 'metrics count handshakes' shows '^lanyard_dtls_handshakes_total [1-9]' metrics
check 'doctor tells that there are no Connection IDs' sh -c "lanyardctl doctor -c '$dir/lanyard.conf' 2>&1 | grep -q 'Connection IDs'"
kill $daemon
wait $daemon
check 'the daemon stops cleanly' is $? 0
daemon=''
check 'no key is in its log' sh -c "! grep -qE '$secret|$hex|$key' '$dir/lanyardd.log'"
finish
