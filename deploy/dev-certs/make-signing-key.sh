#!/bin/sh
# The key by which a service signs its JWTs: private-key.pem stays with the service, public-key.pem is for everybody it calls.
set -eu
umask 077
openssl genrsa -out private-key.pem 2048
openssl rsa -in private-key.pem -pubout -out public-key.pem
chmod 644 public-key.pem
