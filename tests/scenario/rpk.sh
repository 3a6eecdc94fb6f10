#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Raw public keys over DTLS and TLS, against OpenSSL's client; before OpenSSL 3.2, that they are refused and why.
# Proves: SEC-05
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/scenario/lib/daemon.sh rpk
. tests/scenario/lib/pki.sh
for k in server meter stranger; do
	new_key $k && openssl ec -in "$pki/$k.key" -pubout -out "$pki/$k.pub" 2>/dev/null &&
		openssl req -x509 -new -key "$pki/$k.key" -subj "/CN=$k" -days 9 -out "$pki/$k.pem" 2>/dev/null || give_up 'a key'
done
cat >"$dir/lanyard.conf" <<-CONF
	[listen dtls]
	transport = dtls
	address = 127.0.0.1
	port = 0
	key_file = $pki/server.key
	raw_public_keys = yes
	[listen tls]
	transport = tls
	address = 127.0.0.1
	port = 0
	key_file = $pki/server.key
	certificate_file = $pki/server.pem
	raw_public_keys = yes
	[listen bootstrap]
	role = bootstrap
	transport = dtls
	address = 127.0.0.1
	port = 0
	key_file = $pki/server.key
	raw_public_keys = yes
	[storage]
	dir = $dir/state
	[admin]
	socket = $dir/admin.sock
	socket_group =
CONF
if ! openssl s_client -help 2>&1 | grep -q enable_client_rpk; then
	for mode in --check-config --print-config ''; do
		check "without OpenSSL 3.2 the option is refused ($mode)" \
			sh -c "! lanyardd --config '$dir/lanyard.conf' $mode >'$dir/out' 2>&1"
		check '... with its line and the reason' out_has 'lanyard.conf:6: .*raw_public_keys.* needs OpenSSL 3\.2 or newer, and this is OpenSSL'
	done
	ctl doctor -c "$dir/lanyard.conf"
	check '... and doctor says so' out_has 'lanyard.conf:6: .*needs OpenSSL 3\.2'
	finish
	exit
fi
launch
check 'a device gets its key' ctl rpk meter --pem "$pki/meter.pub"
hex=$(openssl ec -pubin -in "$pki/meter.pub" -outform DER 2>/dev/null | od -An -v -tx1 | tr -d ' \n')
check '... which is shown' shows "^server +public_key +$hex" rpk meter
check 'a certificate is no key' sh -c "! lanyardctl rpk meter --pem '$pki/meter.pem' >/dev/null 2>&1"
check 'nobody else gets it' sh -c "! lanyardctl rpk other --pem '$pki/meter.pub' >/dev/null 2>&1"
# s_client LISTENER NAME OPTIONS
s_client() {
	timeout 40 openssl s_client -connect "127.0.0.1:$(port "$1")" -cert "$pki/$2.pem" -key "$pki/$2.key" \
		-enable_server_rpk -enable_client_rpk "${@:3}" </dev/null 2>&1 | tr -d '\0' >"$dir/out"
}
for suite in ECDHE-ECDSA-AES128-CCM8 ECDHE-ECDSA-AES128-SHA256; do
	s_client dtls meter -dtls1_2 -cipher "$suite@SECLEVEL=0"
	check "it comes in over DTLS with $suite" out_has "Cipher is $suite"
	check '... and sees our key, not a certificate' out_has 'raw public key|BEGIN PUBLIC KEY'
	s_client tls meter -tls1_2 -cipher "$suite@SECLEVEL=0"
	check "it comes in over TLS with $suite" out_has "Cipher is $suite"
done
s_client dtls stranger -dtls1_2 -cipher 'ECDHE-ECDSA-AES128-CCM8@SECLEVEL=0'
check 'another key does not, with an alert that lets devices try again' out_has 'alert number 40$'
check '... which status tells' shows '"raw-key"' -j status
s_client bootstrap meter -dtls1_2 -cipher 'ECDHE-ECDSA-AES128-CCM8@SECLEVEL=0'
check 'nor does its own at the bootstrap server (SEC-15)' out_has 'alert number 40$'
mkfifo "$dir/held"
openssl s_client -dtls1_2 -connect "127.0.0.1:$(port dtls)" -cert "$pki/meter.pem" -key "$pki/meter.key" \
	-enable_server_rpk -enable_client_rpk -cipher 'ECDHE-ECDSA-AES128-CCM8@SECLEVEL=0' <"$dir/held" >"$dir/long.log" 2>&1 &
device=$!
exec 4>"$dir/held"
wait_for 'a session that lasts' grep -aq 'Cipher is' "$dir/long.log"
printf '\x40\x02\x77\x77\xb2rd\x11\x28\x38ep=meter\xff</3/9>' >&4 # a Register
wait_for 'it registers' grep -q '^info: registered endpoint="meter" .*</3/9>' "$dir/lanyardd.log"
check '... and loses it with its key' ctl rpk meter --delete
check '... the registration' shows '"registered":false' -j show meter
printf '\x40\x02\x77\x78\xb2rd\x11\x28\x38ep=meter\xff</3/9>' >&4
wait_for 'what the session asks is refused' shows credential-gone -j status
exec 4>&-
wait $device
device=''
openssl s_client -tls1_3 -connect "127.0.0.1:$(port tls)" -CAfile "$pki/server.pem" </dev/null >"$dir/out" 2>&1
check 'who asks for nothing is shown the certificate' out_has 'BEGIN CERTIFICATE'
finish
