/** `@sidegate/sdk/service-tokens`: JSON Web Tokens by which services prove to each other who they are. */
export { type ServiceTokenAuthenticatorOptions, serviceTokenAuthenticator } from './authenticator.ts';
export type { ServiceTokenClaims, UserContext } from './claims.ts';
export { type ServiceTokenCredentialsOptions, serviceTokenCredentials } from './credentials.ts';
export type { KeySettings, SharedSecretSettings } from './handler-keys.ts';
export {
  createServiceTokenIssuer,
  type ServiceTokenIssuer,
  type ServiceTokenIssuerOptions,
  type ServiceTokenRequest,
} from './issue.ts';
export {
  type CommonSettings,
  DAY_SECONDS,
  JWTHandler,
  type JWTHandlerSettings,
  type TokenLimits,
} from './jwt-handler.ts';
export { KNOWN_SERVICES } from './known-services.ts';
export { type PlatformTokensOptions, platformTokens } from './platform-tokens.ts';
export { type PublicPem, publicPemKeys, readSigningKey } from './read-key.ts';
export { createServiceJwt } from './service-jwt.ts';
export {
  createServiceKeys,
  type ListedServiceKey,
  type PublicJwk,
  type ServiceKey,
  type ServiceKeyState,
  type ServiceKeys,
  type ServiceKeysOptions,
} from './service-keys.ts';
export { ServiceTokenCache } from './token-cache.ts';
export {
  type InventoryToken,
  issuedLine,
  type ListedToken,
  readTokenInventory,
  revokedLine,
  type TokenInventory,
} from './token-inventory.ts';
export {
  createServiceTokenValidator,
  type ServiceTokenValidator,
  type ServiceTokenValidatorOptions,
  type ValidationOptions,
} from './validate.ts';
