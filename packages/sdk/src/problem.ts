/**
 * Every way an exchange can be refused: one closed table, one error class.
 * On the wire a problem is RFC 9457 `application/problem+json`; its reason stays in logs and audit.
 */

/** Who caused it: the caller, the service behind us, or ourselves. */
export type ProblemSource = 'downstream' | 'upstream' | 'internal';

interface ProblemRow {
  readonly status: number;
  readonly title: string;
  readonly source: ProblemSource;
  /** RFC 6750 section 3.1 error code; `''` asks for credentials without naming an error. */
  readonly challenge?: '' | 'invalid_token' | 'insufficient_scope' | DpopChallenge;
}

/** RFC 9449 sections 7.1 and 9: said of a proof, never of a token. */
type DpopChallenge = 'invalid_dpop_proof' | 'use_dpop_nonce';

const token = (title: string): ProblemRow => ({
  status: 401,
  title,
  source: 'downstream',
  challenge: 'invalid_token',
});
const proof = (title: string, challenge: DpopChallenge = 'invalid_dpop_proof'): ProblemRow => ({
  ...token(title),
  challenge,
});
const bad = (title: string, status = 400): ProblemRow => ({ status, title, source: 'downstream' });
const upstream = (title: string, status = 502): ProblemRow => ({ status, title, source: 'upstream' });
const internal = (title: string, status = 500): ProblemRow => ({ status, title, source: 'internal' });

export const PROBLEMS = {
  // the message itself
  invalid_request: bad('The request is not well formed'),
  authorization_malformed: bad('The Authorization header is not one scheme and one token'),
  duplicate_header: bad('A header that must be single was sent more than once'),
  header_name_ambiguous: bad('A header name looks like an identity header'),
  header_value_invalid: bad('A header value has bytes that are not allowed there'),
  connection_option_forbidden: bad('The Connection header names a header that must reach the service'),
  path_ambiguous: bad('The path can be read in more than one way'),
  host_mismatch: bad('The request target and the Host header disagree'),
  host_invalid: bad('The Host header is missing or not a host'),
  framing_invalid: bad('The message framing is ambiguous'),
  upgrade_not_allowed: bad('This route does not allow upgrades'),
  method_not_allowed: bad('This method is not allowed here', 405),
  request_timeout: bad('The request did not arrive in time', 408),
  body_too_large: bad('The body is larger than allowed', 413),
  target_too_long: bad('The request target is longer than allowed', 414),
  media_type_unsupported: bad('The body has another media type than expected', 415),
  expectation_failed: bad('The Expect header asks for something unknown', 417),
  misdirected_request: bad('This listener does not serve that host', 421),
  too_early: bad('Early data is not accepted', 425),
  rate_limited: bad('Too many requests', 429),
  too_many_headers: bad('The request has too many or too large headers', 431),
  transfer_encoding_unsupported: bad('This transfer coding is not supported', 501),
  http_version_unsupported: bad('This HTTP version is not supported', 505),
  route_not_found: bad('No route matches this request', 404),

  // the token
  token_missing: { ...token('A bearer token is required'), challenge: '' },
  token_malformed: token('The token is not a compact JWS'),
  token_too_large: token('The token is larger than allowed'),
  token_duplicate_member: token('The token names a member twice'),
  token_alg_not_allowed: token('The signature algorithm is not allowed'),
  token_key_alg_mismatch: token('The key is for another algorithm'),
  token_key_not_found: token('No key of the issuer fits this token'),
  token_kid_required: token('The token must name its key'),
  token_crit_unsupported: token('The token requires an extension that is not supported'),
  token_header_unsupported: token('The token header asks for processing that is not supported'),
  token_signature_invalid: token('The signature does not verify'),
  token_typ_mismatch: token('This kind of token is not an access token'),
  token_issuer_mismatch: token('The issuer is not trusted here'),
  token_aud_missing: token('The token names no audience'),
  token_aud_mismatch: token('The token is for another audience'),
  token_aud_multiple: token('The token must have a single audience'),
  token_exp_missing: token('The token has no expiry'),
  token_expired: token('The token has expired'),
  token_not_yet_valid: token('The token is not valid yet'),
  token_lifetime_exceeded: token('The token lives longer than allowed'),
  token_claim_type: token('A claim has the wrong type'),
  token_claim_missing: token('A claim that is required here is missing'),
  token_claim_unsafe: token('A claim cannot be carried in a header'),
  token_sub_invalid: token('The subject is missing or not usable'),
  token_client_mismatch: token('The token names two different clients'),
  token_binding_mismatch: token('The token is bound to another certificate or key'),
  token_binding_required: token('The token is bound to a key whose proof is missing'),
  token_replayed: token('The token was used before, and is good for one use'),
  token_revoked: token('The token or whom it names was revoked'),

  transaction_token_invalid: bad('The transaction token is not valid here', 403),

  // the proof that its key is there, RFC 9449
  dpop_proof_invalid: proof('The DPoP proof is not for this request'),
  dpop_proof_replayed: proof('The DPoP proof was used before'),
  dpop_nonce_required: proof('The DPoP proof must carry the nonce of this answer', 'use_dpop_nonce'),

  // other proofs of who calls
  client_certificate_missing: { ...bad('A client certificate is required', 401), challenge: '' },

  // the signature of the message, RFC 9421
  signature_invalid: bad('The signature of the message is not valid', 401),
  signature_timestamp: bad('The signature was not made now', 401),
  signature_insufficient_coverage: bad('The signature does not cover what it must', 401),
  digest_mismatch: bad('The body has another digest than the message says', 401),

  // a secret that both sides know
  shared_secret_invalid: bad('The shared secret is not that of a caller', 401),

  // who may do what
  insufficient_scope: {
    status: 403,
    title: 'The token lacks a scope that is required here',
    source: 'downstream',
    challenge: 'insufficient_scope',
  },
  service_required: bad('Only services may call this', 403),
  role_required: bad('The caller has none of the roles that are required here', 403),
  not_owner: bad('This belongs to somebody else', 403),
  user_not_authorized: bad('The user is not allowed to do this', 403),
  route_undeclared: bad('Nobody is declared to be allowed here', 403),
  peer_identity_missing: bad('The client certificate carries no accepted identity', 403),
  peer_identity_invalid: bad('The identity in the client certificate is not valid', 403),
  peer_not_allowed: bad('This client is not allowed to call this service', 403),
  peer_certificate_expired: bad('The client certificate has expired', 403),
  peer_revoked: bad('The client was revoked', 403),
  identity_token_mismatch: bad('The token belongs to another client than the certificate', 403),
  cross_site_request: bad('A page of another site may not use this cookie', 403),
  policy_denied: bad('The policy does not allow this request', 403),
  policy_undefined: bad('The policy has no answer for this request', 403),
  policy_error: bad('The policy failed to evaluate', 403),
  policy_timeout: bad('The policy took too long', 403),

  // commands that must not be done twice
  idempotency_key_missing: bad('This command needs a usable Idempotency-Key'),
  idempotency_key_reused: bad('The Idempotency-Key was used for another command', 422),
  idempotency_in_progress: bad('The same command is being worked on', 409),

  // the other side
  upstream_unreachable: upstream('The service cannot be reached'),
  upstream_tls: upstream('The service could not prove its identity'),
  upstream_timeout: upstream('The service did not answer in time', 504),
  upstream_overloaded: upstream('Too many requests wait for the service', 503),
  bad_upstream_response: upstream('The service answered with an invalid message'),
  egress_address_forbidden: upstream('The target resolves to an address that is not allowed'),
  idp_bad_response: upstream('The identity provider gave an unusable answer'),
  idp_unavailable: upstream('The identity provider cannot be reached', 503),
  jwks_unavailable: upstream('No verification keys are loaded', 503),
  secret_store_bad_response: upstream('The secret store gave an unusable answer'),
  secret_store_unavailable: upstream('The secret store cannot be reached', 503),
  revocations_unavailable: upstream('It is not known at the moment what was revoked', 503),

  // ourselves
  not_ready: internal('This proxy is not ready', 503),
  audit_unavailable: internal('The audit trail cannot be written', 503),
  replay_store_unavailable: internal('One-time identifiers cannot be remembered', 503),
  replay_store_full: internal('Too many one-time identifiers are remembered to accept another', 503),
  revocations_full: internal('Too many revocations are remembered to accept another', 503),
  internal: internal('The proxy failed to handle the request'),
} as const satisfies Record<string, ProblemRow>;

export type ProblemCode = keyof typeof PROBLEMS;

export interface ProblemOptions {
  readonly cause?: unknown;
  /** What the caller may know of this one refusal (RFC 9457 section 3.1.4), such as which scopes are missing; absent: the title says it all. */
  readonly detail?: string;
  /** Whole seconds for the `Retry-After` header. */
  readonly retryAfterSeconds?: number;
  /** Methods for the `Allow` header, which every 405 has. */
  readonly allow?: readonly string[];
}

/** A refusal: thrown where it is found, caught once, answered by the one file that writes error statuses. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly allow: readonly string[] | undefined;

  /** @param reason what exactly was refused, for logs and audit only; never holds a credential. */
  constructor(code: ProblemCode, reason: string, options: ProblemOptions = {}) {
    super(reason, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.allow = options.allow;
  }

  get row(): ProblemRow {
    return PROBLEMS[this.code];
  }
}

/** Anything thrown becomes a problem; what is not one is `internal` and keeps its cause for the log. */
export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem('internal', 'unexpected error', { cause: error });
}
