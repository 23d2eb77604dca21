#!/bin/sh
# A certificate of one service, signed by the authority of make-ca.sh in this folder: <files>-key.pem and <files>-cert.pem, good for
# listeners and for callers. Asks nothing.
#
#   make-service-cert.sh service-a
#   FILES=service NAMES=DNS:service-a,DNS:localhost make-service-cert.sh service-a
set -eu
umask 077
service=${1:?which service?}
: "${FILES:=$service}" "${SUBJECT:=/CN=$service}" "${DAYS:=365}" "${NAMES:=DNS:$service}"

openssl genrsa -out "$FILES-key.pem" 2048
openssl req -new -key "$FILES-key.pem" -out "$FILES.csr" -subj "$SUBJECT"
cat > "$FILES.ext" <<EXTENSIONS
subjectAltName=$NAMES
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
EXTENSIONS
openssl x509 -req -days "$DAYS" -in "$FILES.csr" -CA ca-cert.pem -CAkey ca-key.pem -CAcreateserial \
  -out "$FILES-cert.pem" -extfile "$FILES.ext"
rm "$FILES.ext"
