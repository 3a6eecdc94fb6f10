# SPDX-License-Identifier: Apache-2.0
# CAs and certificates of the openssl command, in the folder $pki. Sourced.
pki=$dir/pki
# new_ca NAME: NAME.pem, NAME.key, and what openssl ca keeps of what it has signed.
new_ca() {
	mkdir -p "$pki/$1.d" && : >"$pki/$1.d/index.txt" && echo 01 >"$pki/$1.d/crlnumber" &&
		new_key "$1" && openssl req -x509 -new -key "$pki/$1.key" -sha256 -days 30 \
		-subj "/O=Test/CN=$1" -out "$pki/$1.pem" 2>/dev/null
}
# new_key NAME [CURVE]
new_key() { openssl ecparam -name "${2:-prime256v1}" -genkey -noout -out "$pki/$1.key" && chmod 0600 "$pki/$1.key"; }
# sign CA NAME SUBJECT [SAN] [START END]: NAME.pem for NAME.key; times as YYYYMMDDHHMMSSZ.
sign() {
	cat >"$pki/ca.cnf" <<-CONF
		[ca]
		default_ca = d
		[d]
		database = $pki/$1.d/index.txt
		crlnumber = $pki/$1.d/crlnumber
		new_certs_dir = $pki/$1.d
		rand_serial = yes
		unique_subject = no
		default_md = sha256
		default_days = 10
		default_crl_days = 10
		policy = p
		x509_extensions = x
		[p]
		commonName = optional
		organizationName = optional
		[x]
		basicConstraints = ${CA_BIT:-CA:FALSE}
		${4:+subjectAltName = $4}
	CONF
	[ -e "$pki/$2.key" ] || new_key "$2"
	openssl req -new -key "$pki/$2.key" -subj "$3" -out "$pki/$2.csr" 2>/dev/null &&
		openssl ca -batch -notext -config "$pki/ca.cnf" -cert "$pki/$1.pem" -keyfile "$pki/$1.key" \
			${5:+-startdate "$5" -enddate "$6"} -in "$pki/$2.csr" -out "$pki/$2.pem" 2>"$pki/openssl.log"
}
# crl CA [START END]: CA.crl of what was revoked (of the CA that signed last). revoke CA NAME
crl() {
	openssl ca -config "$pki/ca.cnf" -cert "$pki/$1.pem" -keyfile "$pki/$1.key" -gencrl -out "$pki/$1.crl" \
		${2:+-crl_lastupdate "$2" -crl_nextupdate "$3"} 2>/dev/null
}
revoke() { openssl ca -config "$pki/ca.cnf" -cert "$pki/$1.pem" -keyfile "$pki/$1.key" -revoke "$pki/$2.pem" 2>/dev/null; }
mkdir -p "$pki"
