/** What a service, a gateway or a sidecar needs to prove who it is and to check who others are. */

export { asksForNonce, authenticateChallenge, type ProofChallenge } from './dpop/challenge.ts';
export { createDpopNonces, type DpopNonceOptions, type DpopNonces } from './dpop/nonces.ts';
export { PROOF_ALGORITHMS } from './dpop/proof-algorithms.ts';
export { hasProofScheme, PROOF_SCHEME } from './dpop/proof-scheme.ts';
export { createDpopProver, type DpopProver } from './dpop/prover.ts';
export { createDpopKey, type DpopKey, type ProofRequest } from './dpop/sign-proof.ts';
export { type ProofRules, type ProvenRequest, type VerifiedProof, verifyDpopProof } from './dpop/verify-proof.ts';
export { ALGORITHM_NAMES, type AlgorithmName } from './jwt/algorithms.ts';
export { type BearerOptions, readBearer, readCredentials } from './jwt/bearer.ts';
export { checkConfirmation } from './jwt/binding.ts';
export { type Confirmation, checkDates, type DateRules } from './jwt/claims.ts';
export { createFetchedJwks, type FetchedJwksOptions } from './jwt/fetched-jwks.ts';
export type { KeyFinding, KeySet, KeyUse, VerificationKey } from './jwt/jwks.ts';
export { discoveryJwksLoader, httpJwksLoader, type JwksLoader } from './jwt/jwks-loader.ts';
export type { JwksSource, JwksState } from './jwt/jwks-source.ts';
export { coversOperation, type Operation } from './jwt/operation-audience.ts';
export { createPushedJwks, type PushedJwks } from './jwt/pushed-jwks.ts';
export { readScopes, requireScopes } from './jwt/scope.ts';
export { type JwtKeys, readJwt, type UnverifiedJwt, verifyJwt } from './jwt/signed-jwt.ts';
export {
  isJsonArray,
  isJsonObject,
  JsonError,
  type JsonErrorKind,
  type JsonObject,
  type JsonValue,
  parseStrictJson,
} from './jwt/strict-json.ts';
export { SVID_ALGORITHMS, type TrustDomain } from './jwt/svid.ts';
export { cacheTokens, type TokenCacheOptions } from './jwt/token-cache.ts';
export {
  createTransactionTokenVerifier,
  TRANSACTION_TOKEN_DRAFT,
  type TransactionTokenOptions,
} from './jwt/transaction-token.ts';
export {
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
  type TrustedIssuer,
  type VerifiedToken,
} from './jwt/verify.ts';
export { AccessToken, type AccessTokenFacts } from './oauth/access-token.ts';
export { type AssertionKey, type AssertionOptions, readAssertionKey } from './oauth/client-assertion.ts';
export type { ClientAuthentication } from './oauth/client-authentication.ts';
export {
  type ClientCredentialsGrant,
  obtainToken,
  RESERVED_TOKEN_PARAMETERS,
} from './oauth/client-credentials.ts';
export {
  createExchangedTokens,
  type ExchangedTokens,
  type ExchangedTokensOptions,
} from './oauth/exchanged-tokens.ts';
export {
  beginTransaction,
  exchangeToken,
  type TokenExchangeGrant,
  type TransactionGrant,
  type TransactionRequest,
} from './oauth/token-exchange.ts';
export type { TokenEndpoint, TokenExchangeDependencies } from './oauth/token-request.ts';
export { createTokenSource, type TokenSource, type TokenSourceOptions } from './oauth/token-source.ts';
export {
  AnswerTooLarge,
  type Clock,
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  type Random,
  type Schedule,
} from './ports.ts';
export { asProblem, PROBLEMS, Problem, type ProblemCode, type ProblemOptions, type ProblemSource } from './problem.ts';
export {
  type MemoryReplayOptions,
  type MemoryReplayStore,
  memoryReplayStore,
} from './replay/memory-replay-store.ts';
export { type RedisReplayOptions, redisReplayStore } from './replay/redis-replay-store.ts';
export type { ReplayStore } from './replay/replay-store.ts';
export {
  SQL_REPLAY_TABLE,
  type SqlReplayOptions,
  type SqlReplayStore,
  sqlReplayStore,
} from './replay/sql-replay-store.ts';
export { readEvents } from './revocation/event-source.ts';
export {
  MAX_REVOKED_CHARACTERS,
  REVOKED_KINDS,
  type Revocation,
  type RevocationChange,
  type RevokedKind,
} from './revocation/revocation.ts';
export { type OnUnavailable, RevocationCheck } from './revocation/revocation-check.ts';
export { type Concerned, type FeedState, RevocationFeed } from './revocation/revocation-feed.ts';
export {
  type RevocablePeer,
  type RevocableToken,
  Revocations,
  type RevocationsOptions,
} from './revocation/revocations.ts';
export {
  type ChangeEvent,
  type EventTerms,
  type ExpectedEvent,
  eventAudience,
  type HistoryPlace,
  parsePlace,
  placeText,
  type RevocationEvent,
  SECURITY_EVENT_TYPE,
  type StateEvent,
  securityEventClaims,
  verifySecurityEvent,
} from './revocation/security-event.ts';
export type { Runtime } from './runtime/runtime.ts';
export { systemRuntime } from './runtime/system-runtime.ts';
export { isTlsFailure, provenServer } from './runtime/verified-tls.ts';
export { parseSpiffeId, type SpiffeId, SpiffeIdError } from './spiffe/spiffe-id.ts';
export { endpointTarget } from './workload-api/endpoint.ts';
export { type AllowedClients, compileAllowedClients } from './x509/allowed-clients.ts';
export { type Certificate, readCertificate } from './x509/certificate.ts';
export { certificateWeakness, keyWeakness } from './x509/certificate-strength.ts';
export * as derWriter from './x509/der-writer.ts';
export {
  ATTRIBUTE_TYPES,
  attributeValues,
  type DistinguishedName,
  formatDistinguishedName,
  sameDistinguishedName,
  singleAttributes,
} from './x509/distinguished-name.ts';
export { DistinguishedNameError, parseDistinguishedName } from './x509/distinguished-name-text.ts';
export { excerpt } from './x509/excerpt.ts';
export type { KeyUsage } from './x509/extensions.ts';
export {
  type ClientBinding,
  compileIdentities,
  type IdentityLookup,
  type IssuedClient,
  mayPresent,
} from './x509/identities.ts';
export type { Compiled, EntryFinding } from './x509/identity-entry.ts';
export { identifyCertificate, type PeerIdentity, type PeerRules } from './x509/peer.ts';
export {
  type CertificateSigningRequest,
  readSigningRequest,
  SigningRequestRefused,
} from './x509/read-signing-request.ts';
export { type RevocationList, readRevocationList } from './x509/revocation-list.ts';
export { checkServerIdentity } from './x509/server-identity.ts';
export { createSigningRequest, type RequestedNames } from './x509/signing-request.ts';
export type { SubjectAltName } from './x509/subject-alt-name.ts';
