/** What can be wrong between a service token and the endpoint that should accept it. docs/troubleshooting.md has a chapter for each. */

interface Case {
  readonly title: string;
  readonly remedy: string;
}

const CASES = {
  token_unreadable: {
    title: 'This is not a token',
    remedy: 'give the token alone: sidegate token issue <service> --output raw',
  },
  token_expired: {
    title: 'The token has expired',
    remedy: 'issue a new one (sidegate token issue), store it, and restart what reads it at its start',
  },
  token_type_missing: {
    title: 'The token does not say type: service',
    remedy: 'use a token of sidegate token issue; sidegate token verify shows what a token says',
  },
  key_mismatch: {
    title: 'The token was signed with another key than the one given here',
    remedy:
      'compare the fingerprints (sidegate doctor --legacy, or --keys <file>) where tokens are made and where they are verified',
  },
  wrong_header: {
    title: 'The token is sent in another header than Authorization',
    remedy: 'send Authorization: Bearer <token>',
  },
  ingress_strips_authorization: {
    title: 'The Authorization header does not get past the ingress',
    remedy:
      'nginx: proxy_set_header Authorization $http_authorization, and no auth-url annotation that clears it; Apache: CGIPassAuth On; kubectl get ingress -o yaml shows what is set',
  },
  gateway_drops_authorization: {
    title: 'The gateway does not forward the Authorization header to the service',
    remedy:
      'let the gateway forward Authorization; restart it after a change (kubectl rollout restart deployment gateway)',
  },
  authorization_lost: {
    title: 'The Authorization header was sent, and whoever answered has not seen it',
    remedy: 'name the hops behind this URL with --gateway and --direct, to see which one loses it',
  },
  service_needs_restart: {
    title: 'The token is good under the current key, and still refused: the process has an older key, or older code',
    remedy:
      'compare the fingerprint of its key (--fingerprint), then restart it: kubectl rollout restart deployment <name>',
  },
  token_refused: {
    title: 'The token is refused',
    remedy: 'give --keys or --legacy, the key with which it must verify, to know more',
  },
  service_context_missing: {
    title:
      'A service token is taken for no service: the middleware before the guard does not pass on what the token says',
    remedy:
      'mount the authentication before the guard, and look for service_only_access in the log of the service; the reason stands there',
  },
  caller_not_allowed: {
    title: 'The token is good, and this service is not among the callers',
    remedy: 'add it to the callers of the service, or use the token of a service that is',
  },
  forbidden: {
    title: 'The token is good, and something else is missing',
    remedy: 'look for the reason in the log of whoever answered',
  },
  guard_missing: {
    title: 'A user gets in: the endpoint has no guard for services alone',
    remedy: 'put serviceOnly() before the handler; requireRules() at the start finds the routes without a rule',
  },
  route_open: {
    title: 'Anybody gets in, without any token',
    remedy: 'put serviceOnly() before the handler; requireRules() at the start finds the routes without a rule',
  },
  service_failed: {
    title: 'Not an authentication problem: the token was accepted, and the service broke after that',
    remedy: 'read the log of the service; a module that cannot be imported is a fault of its code',
  },
  unreachable: {
    title: 'There is no answer',
    remedy: 'check that it runs, its address, and --ca for a certificate of your own authority',
  },
  not_found: {
    title: 'There is no such endpoint',
    remedy: 'check the path, as in /api/v1/orders/tenant/<tenant-id>/deletion-preview',
  },
} as const satisfies Readonly<Record<string, Case>>;

export type DoctorCase = keyof typeof CASES;

export const DOCTOR_CASES: Readonly<Record<DoctorCase, Case>> = CASES;
