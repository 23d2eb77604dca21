/** Config → how tokens that arrive are verified: those of issuers, JWT-SVIDs, and transaction tokens. */
import {
  cacheTokens,
  createTokenVerifier,
  createTransactionTokenVerifier,
  type TokenVerifier,
  type TrustDomain,
} from '@sidegate/sdk';
import type { IssuerState } from '../admin/health.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { BadTokens } from '../ingress/bad-tokens.ts';
import type { TokenCookie } from '../ingress/token-cookie.ts';
import type { TokenOptions, TransactionOptions } from '../ingress/verify-token.ts';
import { type AssembledKeys, assembleKeys, keysOfFile, keysOfWorkloadApi } from './assemble-keys.ts';
import type { Meters } from './assemble-metrics.ts';
import { assembleProofs } from './assemble-proofs.ts';
import type { IssuerKeySource } from './assemble-revocation.ts';
import type { Assembly } from './assembly.ts';

export interface AssembledTokens {
  /** Undefined: nobody issues tokens that are accepted. */
  readonly tokens: TokenOptions | undefined;
  /** Undefined: no transaction token is taken. */
  readonly transactions: TransactionOptions | undefined;
  /** One for each source of keys, resolved when its first usable set is there. */
  readonly keysLoaded: readonly Promise<void>[];
  readonly issuers: readonly IssuerState[];
  /** Those that may say what they took back. */
  readonly sources: readonly IssuerKeySource[];
}

export function assembleTokens(config: SidecarConfig, assembly: Assembly, meters: Meters | undefined): AssembledTokens {
  const { jwt, proxy } = config;
  const { clock, components } = assembly;
  const issuers = jwt.issuers.map((issuer) => {
    const { name, issuer: iss, jwks_url: url, jwks_refresh_interval: intervalMs } = issuer;
    return { ...issuer, ...assembleKeys({ name, issuer: iss, url, intervalMs }, assembly, meters) };
  });
  const domains = assembleTrustDomains(config, assembly, meters);
  const transactions = assembleTransactions(config, assembly, meters);
  const sources = [...issuers, ...domains, ...(transactions === undefined ? [] : [transactions])];
  const state = {
    keysLoaded: sources.map(({ loaded }) => loaded),
    issuers: sources.map(({ name, keys }) => ({ name, keys: () => keys.state() })),
    sources: issuers,
  };
  const bad = components.take('bad tokens', undefined, () => ({
    value: new BadTokens(() => clock.monotonic()),
    close: () => undefined,
  }));
  const taken = transactions && { verifier: transactions.verifier, bad };
  if (issuers.length + domains.length === 0) return { tokens: undefined, transactions: taken, ...state };
  const bundles = domains.map(({ madeFrom }) => madeFrom);
  const verifier = components.take('verifier', { jwt, bundles }, () => {
    const made = createTokenVerifier({
      issuers: issuers.map(({ name, issuer, audience, keys, algorithms }) => ({
        name,
        issuer,
        audiences: audience,
        keys,
        ...(algorithms === undefined ? {} : { algorithms }),
      })),
      trustDomains: domains,
      clock,
      clockSkewSeconds: jwt.validation.clock_skew / 1000,
      maxLifetimeSeconds: jwt.validation.max_lifetime / 1000,
      singleAudience: jwt.validation.single_audience,
      operationAudiences: true,
    });
    // Its keys are parts of their own, which the next configuration may still use.
    return { value: cacheTokens(made, { clock }), close: () => undefined };
  });
  const tokens: TokenOptions = {
    header: proxy.auth.header.toLowerCase(),
    scheme: proxy.auth.scheme,
    cookie: tokenCookie(proxy),
    proofs: assembleProofs(config, assembly),
    verifier: meters?.tokens(verifier) ?? verifier,
    bad,
  };
  return { tokens, transactions: taken, ...state };
}

interface AssembledDomain extends TrustDomain, AssembledKeys {
  readonly name: string;
  /** What its keys are read from, where that is no address. */
  readonly madeFrom: string | undefined;
}

function assembleTrustDomains(
  { jwt, workload_api: api }: SidecarConfig,
  assembly: Assembly,
  meters: Meters | undefined,
): readonly AssembledDomain[] {
  return jwt.trust_domains.flatMap(({ trust_domain: trustDomain, audience, bundle_file: file, source, ...fetched }) => {
    const place = { name: trustDomain, issuer: `spiffe://${trustDomain}`, use: 'jwt-svid' } as const;
    const { bundle_url: url, bundle_refresh_interval: intervalMs } = fetched;
    const domain = { name: trustDomain, trustDomain, audiences: audience };
    if (source === 'workload_api') {
      const keys = keysOfWorkloadApi(trustDomain, assembly);
      return keys === undefined ? [] : [{ ...domain, madeFrom: api?.socket, ...keys }];
    }
    if (file === undefined) {
      return [{ ...domain, madeFrom: undefined, ...assembleKeys({ ...place, url, intervalMs }, assembly, meters) }];
    }
    const keys = keysOfFile(file, 'jwt-svid', assembly);
    return keys === undefined ? [] : [{ ...domain, madeFrom: keys.keys.current()?.id, ...keys }];
  });
}

/** The verifier of transaction tokens, for both directions. */
function assembleTransactions(
  { jwt: { transaction_tokens: config, validation } }: SidecarConfig,
  assembly: Assembly,
  meters: Meters | undefined,
): (AssembledKeys & { readonly name: string; readonly verifier: TokenVerifier }) | undefined {
  if (config === undefined) return undefined;
  const { trust_domain: trustDomain, issuer, jwks_url: url, jwks_refresh_interval: intervalMs, algorithms } = config;
  const name = `transactions of ${trustDomain}`;
  const place = { name, issuer: issuer ?? trustDomain, url, intervalMs };
  const { keys, loaded } = assembleKeys(place, assembly, meters);
  const verifier = assembly.components.take('transaction verifier', { config, validation }, () => {
    const made = createTransactionTokenVerifier({
      service: { owner: name, keys, algorithms },
      issuer,
      trustDomain,
      clock: assembly.clock,
      clockSkewSeconds: validation.clock_skew / 1000,
      maxLifetimeSeconds: config.max_lifetime / 1000,
    });
    return { value: cacheTokens(made, { clock: assembly.clock }), close: () => undefined };
  });
  return { name, keys, loaded, verifier };
}

function tokenCookie({ auth, cors }: SidecarConfig['proxy']): TokenCookie | undefined {
  if (auth.cookie_name === undefined) return undefined;
  const origins = new Set(cors.enabled && cors.allow_credentials ? cors.allowed_origins : []);
  return { name: auth.cookie_name, allowsOrigin: (origin) => origins.has(origin) };
}
