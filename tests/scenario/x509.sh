#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Certificates over DTLS and TLS with clients that nobody here wrote, libcoap's and OpenSSL's, and a PKI made by the
# openssl command: who gets in, under which name, and what an operator is told of the others.
# Proves: SEC-04, SEC-06, SEC-07, SEC-09, SEC-10, CT-14, CT-15
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/scenario/lib/daemon.sh x509
. tests/scenario/lib/pki.sh

for ca in ca other-ca; do new_ca $ca || give_up "a CA"; done
sign ca server '/CN=lanyard' 'DNS:lwm2m.example,IP:127.0.0.1' || give_up "a certificate: $(cat "$pki/openssl.log")"
good=1
sign ca meter '/O=Test/CN=meter' || good=''
sign ca by-dns '/O=Test' 'DNS:meter' || good=''
sign ca by-uri '/CN=x' 'URI:urn:imei:7' || good=''
sign ca ghost '/CN=ghost' || good=''
sign ca expired '/CN=meter' '' 20200101000000Z 20200201000000Z || good=''
sign ca early '/CN=meter' '' 20400101000000Z 20410101000000Z || good=''
sign ca revoked '/CN=meter' || good=''
sign other-ca foreign '/CN=meter' || good=''
new_key weak secp224r1 && sign ca weak '/CN=meter' || good=''
CA_BIT=CA:TRUE sign ca middle '/CN=middle' && mkdir -p "$pki/middle.d" && : >"$pki/middle.d/index.txt" || good=''
sign middle below '/CN=meter' && sign middle tls13 '/CN=tls13' || good=''
new_key self && openssl req -x509 -new -key "$pki/self.key" -subj '/CN=own' -days 9 -out "$pki/self.pem" 2>/dev/null || good=''
sign ca server2 '/CN=lanyard2' 'DNS:lwm2m.example' || good=''
[ "$good" ] || give_up "certificates: $(cat "$pki/openssl.log")"
sign ca dummy '/CN=dummy' # the configuration of that CA
crl ca || give_up 'a list'
cp "$pki/server.pem" "$dir/own.pem"
cp "$pki/server.key" "$dir/own.key"

# conf CERTIFICATES EXTRA...
conf() {
	cat >"$dir/lanyard.conf" <<-CONF
		[listen dtls]
		transport = dtls
		address = 127.0.0.1
		port = 0
		certificate_file = $dir/own.pem
		key_file = $dir/own.key
		ca_file = $pki/ca.pem
		crl_file = $pki/ca.crl
		certificates = $1
		[listen tls]
		transport = tls
		address = 127.0.0.1
		port = 0
		certificate_file = $dir/own.pem
		key_file = $dir/own.key
		ca_file = $pki/ca.pem
		certificates = $1
		[listen bootstrap]
		role = bootstrap
		transport = dtls
		address = 127.0.0.1
		port = 0
		certificate_file = $dir/own.pem
		key_file = $dir/own.key
		ca_file = $pki/ca.pem
		[storage]
		dir = $dir/state
		[admin]
		socket = $dir/admin.sock
		socket_group =
	CONF
}

# ---- what is wrong with files is told, with the line
config() { lanyardd --config "$dir/lanyard.conf" --check-config >"$dir/out" 2>&1; }
# wrong PATTERN
wrong() { ! config && out_has "$1"; }
conf known
check 'a configuration with certificates' config
chmod 0644 "$dir/own.key"
check 'a key that others may read is refused' wrong "lanyard.conf:6: .*own\.key .* open to others \(mode 0644\)"
chmod 0640 "$dir/own.key"
check 'its group may' config
cp "$pki/meter.key" "$dir/own.key"
check 'the key of another certificate is refused' wrong "lanyard.conf:6: .*does not fit the certificate"
cp "$pki/server.key" "$dir/own.key"
cp "$pki/weak.pem" "$dir/own.pem"
check 'so is a certificate of another curve' wrong 'lanyard.conf:5: .*own\.pem .*secp256r1'
cp "$pki/server.key" "$dir/own.pem"
check 'and a file without one' wrong 'lanyard.conf:5: .*no certificate'
cp "$pki/server.pem" "$dir/own.pem"
mv "$pki/ca.crl" "$pki/kept.crl"
check 'and a list that is not there' wrong 'lanyard.conf:8: .*ca\.crl cannot be read: No such file'
check 'the daemon does not start so' sh -c "! lanyardd --config '$dir/lanyard.conf' >'$dir/out' 2>&1"
check '... and says where' out_has 'lanyard.conf:8: '
mv "$pki/kept.crl" "$pki/ca.crl"
sed -i "s|^key_file = .*|key_file = credential:key|" "$dir/lanyard.conf"
mkdir "$dir/handed" && cp "$pki/server.key" "$dir/handed/key"
handed() { CREDENTIALS_DIRECTORY=$dir/handed lanyardd --config "$dir/lanyard.conf" --check-config >"$dir/out" 2>&1; }
check 'what systemd hands over is found' handed
rm "$dir/handed/key"
check '... or missed' sh -c "! CREDENTIALS_DIRECTORY='$dir/handed' lanyardd --config '$dir/lanyard.conf' --check-config >'$dir/out' 2>&1"
check 'where systemd is not, it is not checked' config

# ---- who gets in
conf known
launch
dtls=$(port dtls) tls=$(port tls)
check 'an endpoint' ctl set meter freshness=auto
# s_client PORT NAME OPTIONS: by DTLS with NAME's certificate.
s_client() {
	timeout 40 openssl s_client -dtls1_2 -connect "127.0.0.1:$1" -CAfile "$pki/ca.pem" \
		${2:+-cert "$pki/$2.pem" -key "$pki/$2.key"} "${@:3}" </dev/null >"$dir/out" 2>&1
}
CCM8=(-cipher 'ECDHE-ECDSA-AES128-CCM8@SECLEVEL=0')
for suite in ECDHE-ECDSA-AES128-CCM8 ECDHE-ECDSA-AES128-SHA256; do
	s_client "$dtls" meter -cipher "$suite@SECLEVEL=0"
	check "OpenSSL comes in with $suite (SEC-04)" out_has "Cipher is $suite"
	check '... over secp256r1' out_has 'Temp Key: ECDH, (prime256v1|secp256r1), 256 bits'
	check '... and trusts us' out_has 'Verify return code: 0 \(ok\)'
done
for suite in ECDHE-ECDSA-AES128-SHA ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-SHA256; do
	s_client "$dtls" meter -cipher "$suite@SECLEVEL=0"
	check "not with $suite" out_has 'alert handshake failure'
done
s_client "$dtls" meter "${CCM8[@]}" -curves secp224r1
check 'nor over secp224r1' out_has 'alert handshake failure'
s_client "$dtls" meter "${CCM8[@]}" -servername lwm2m.example -tlsextdebug
check 'a name of ours in SNI is confirmed (SEC-09)' out_has 'server extension "server name"'
s_client "$dtls" meter "${CCM8[@]}" -servername elsewhere.example -tlsextdebug
check '... another is not, and gets in all the same' sh -c \
	"grep -q 'Verify return code: 0' '$dir/out' && ! grep -q 'extension \"server name\"' '$dir/out'"
s_client "$dtls" meter "${CCM8[@]}" -sess_out "$dir/session"
s_client "$dtls" meter "${CCM8[@]}" -sess_in "$dir/session"
check 'a session is resumed' out_has '^Reused, TLSv1'
check 'its first handshake is remembered' shows '^server +name +meter$' certificate meter

# client NAME PORT EP [SCHEME]: libcoap registers.
client() {
	timeout 40 coap-client-openssl -v 6 -B 30 -m post -t 40 -e '</3/0>' -c "$pki/$1.pem" -j "$pki/$1.key" \
		-R "$pki/ca.pem" "${4:-coaps}://127.0.0.1:$2/rd?ep=$3&lt=60&lwm2m=1.1&b=U" >"$dir/out" 2>&1 </dev/null
}
client meter "$dtls" meter
check 'libcoap registers with a certificate' out_has 'c:2\.01'
check 'secured by DTLS' shows '"security":"dtls"' -j show meter
client meter "$dtls" other
check 'under another name it gets 4.00 (SEC-07)' out_has '4\.00'
client meter "$tls" meter coaps+tcp
check 'it registers over TLS' out_has 'c:2\.01'
client by-dns "$dtls" meter
check 'by a DNS name in its certificate (SEC-06)' out_has 'c:2\.01'
check 'an endpoint with a name of its own' ctl set urn:imei:7 freshness=auto
client by-uri "$dtls" urn:imei:7
check '... by a URI' out_has 'c:2\.01'
# Not before the server has seen the end of a handshake of TLS 1.3 is anything kept of it.
check 'an endpoint for TLS 1.3' ctl set tls13 freshness=auto
mkfifo "$dir/held"
openssl s_client -tls1_3 -connect "127.0.0.1:$tls" -cert "$pki/tls13.pem" -cert_chain "$pki/middle.pem" \
	-key "$pki/tls13.key" <"$dir/held" >/dev/null 2>&1 &
device=$!
exec 4>"$dir/held"
wait_for 'one comes over TLS 1.3, below a CA that its own chain brings' shows '^server +name +tls13' certificate tls13
exec 4>&-
wait $device
device=''

# ---- who does not, and what is told: never an alert after which a device gives up (SEC-10)
# refused NAME REASON [EP]
refused() {
	s_client "$dtls" "$1" "${CCM8[@]}"
	check "$2: the handshake fails with an alert that lets devices try again (CT-14)" out_has 'SSL alert number 40$'
	if [ "${3-meter}" ]; then
		check '... which is explained' shows "$2" explain "${3-meter}"
	else
		check '... which status tells' shows "\"$2\"" -j status
	fi
}
refused expired certificate-expired
refused early certificate-expired
refused foreign certificate-issuer
refused below certificate-issuer # without the CA between
refused self certificate-issuer ''
refused ghost certificate-name ''
refused '' certificate-missing ''
check 'a certificate is revoked' revoke ca revoked
client revoked "$dtls" meter
check 'before the list is read it counts' out_has 'c:2\.01'
check 'the list' crl ca
# reload WHAT [PATTERN]: SIGHUP, until the log has it.
reloads() { grep -c '^notice: configuration reloaded' "$dir/lanyardd.log"; }
reload() {
	local before
	before=$(reloads)
	kill -HUP $daemon
	reloaded() { [ "$(reloads)" -gt "$before" ]; }
	wait_for "$1" reloaded
}
openssl s_client -dtls1_2 -connect "127.0.0.1:$dtls" -cert "$pki/meter.pem" -key "$pki/meter.key" "${CCM8[@]}" \
	<"$dir/held" >"$dir/long.log" 2>&1 &
device=$!
exec 4>"$dir/held"
open_now() { shows '^lanyard_dtls_sessions [1-9]' metrics && grep -q 'Cipher is' "$dir/long.log"; }
wait_for 'a session that lasts' open_now
cp "$pki/server2.pem" "$dir/own.pem"
cp "$pki/server2.key" "$dir/own.key"
reload 'certificates and lists are read again'
printf '\x40\x02\x77\x77\xb2rd\x11\x28\x38ep=meter\xff</3/9>' >&4 # a Register
wait_for 'the session goes on' grep -q '^info: registered endpoint="meter" .*</3/9>' "$dir/lanyardd.log"
s_client "$dtls" meter "${CCM8[@]}"
check 'others see the new certificate' out_has 'CN ?= ?lanyard2'
refused revoked certificate-revoked
exec 4>&-
wait $device
device=''
echo broken >"$dir/own.pem"
reload 'a certificate that cannot be read'
check 'is told with the line' grep -q '^error: .*lanyard.conf:5: .*own.pem' "$dir/lanyardd.log"
s_client "$dtls" meter "${CCM8[@]}"
check '... and the old one serves on' out_has 'CN ?= ?lanyard2'
cp "$pki/server2.pem" "$dir/own.pem"
check 'a list that is outdated' crl ca 20200101000000Z 20200201000000Z
reload 'is read'
check '... and told of' grep -q '^warning: .*ca.crl is outdated' "$dir/lanyardd.log"
refused meter certificate-crl
crl ca

# ---- what an operator says
check 'an endpoint is given one certificate, of no CA' ctl certificate own --pem "$pki/self.pem"
fingerprint=$(openssl x509 -in "$pki/self.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
hex=$(tr -d : <<<"$fingerprint" | tr A-F a-f)
check '... which is listed' shows "^server +sha256 +$hex" certificate own
check '... as openssl tells it' ctl certificate own --fingerprint "$fingerprint"
reload 'a current list'
s_client "$dtls" self "${CCM8[@]}"
check 'it gets in' sh -c "grep -q 'Cipher is ECDHE' '$dir/out' && ! grep -q alert '$dir/out'"
client self "$dtls" own
check '... as that endpoint' out_has 'c:2\.01'
s_client "$(port bootstrap)" self "${CCM8[@]}"
check 'at the bootstrap server nobody has it (SEC-15)' out_has 'alert number 40'
s_client "$(port bootstrap)" meter "${CCM8[@]}"
check 'a name counts in both roles' out_has 'Cipher is ECDHE-ECDSA-AES128-CCM8'
check 'meter is given another' ctl certificate meter --pem "$pki/self.pem" --role bootstrap
s_client "$(port bootstrap)" meter "${CCM8[@]}"
check 'then its name is not enough' out_has 'alert number 40'
check '... which is explained' shows certificate-other explain meter
check 'a subject counts' ctl certificate spirit --subject 'CN=ghost'
client ghost "$dtls" spirit
check '... and who has it is that endpoint' out_has 'c:2\.01'
check 'it is taken away' ctl certificate spirit --delete
check '... and the registration with it' shows '"registered":false' -j show spirit
conf any
reload 'any certificate is good'
client ghost "$dtls" ghost
check 'an unknown name is an endpoint then' out_has 'c:2\.01'
check '... known by it' shows '^server +name +ghost$' certificate ghost
refused foreign certificate-issuer # not one of another CA
conf mapped
reload 'only what was given'
check 'an endpoint that was given none' ctl set by-name freshness=auto
sign ca by-name /CN=by-name
refused by-name certificate-name by-name
check 'events tell of handshakes that failed' grep -q '^info: security .*"kind":"handshake-failed"' "$dir/lanyardd.log"

kill $daemon
wait $daemon
check 'the daemon stops cleanly' is $? 0
daemon=''
check 'no key is in its log' sh -c "! grep -q 'BEGIN\|PRIVATE' '$dir/lanyardd.log'"
finish
