#!/bin/sh
# A certificate authority for development: ca-key.pem and ca-cert.pem in this folder. Asks nothing. Its key is not encrypted: never use
# it for anything but development.
set -eu
umask 077
: "${CA_SUBJECT:=/CN=internal-ca}" "${CA_DAYS:=365}" "${CA_BITS:=2048}"

openssl genrsa -out ca-key.pem "$CA_BITS"
openssl req -new -x509 -days "$CA_DAYS" -key ca-key.pem -out ca-cert.pem -subj "$CA_SUBJECT"
