/* LD_PRELOAD for load generators that cannot show a client certificate: loads CLIENT_PEM (chain, then key) into every
 * OpenSSL context they make. Build: cc -shared -fPIC -o client-cert.so client-cert.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define PEM 1

void *SSL_CTX_new(const void *method) {
  void *(*make)(const void *) = (void *(*)(const void *))dlsym(RTLD_NEXT, "SSL_CTX_new");
  int (*use_chain)(void *, const char *) = (int (*)(void *, const char *))dlsym(RTLD_NEXT, "SSL_CTX_use_certificate_chain_file");
  int (*use_key)(void *, const char *, int) = (int (*)(void *, const char *, int))dlsym(RTLD_NEXT, "SSL_CTX_use_PrivateKey_file");
  void *context = make(method);
  const char *pem = getenv("CLIENT_PEM");
  if (context != NULL && pem != NULL && (use_chain(context, pem) != 1 || use_key(context, pem, PEM) != 1)) {
    fprintf(stderr, "client-cert: cannot load %s\n", pem);
    exit(1);
  }
  return context;
}
