/**
 * Whether somebody took back what a request shows: its token, or whom its certificate stands for. Asked anew for every request,
 * whatever was remembered of it. With `refuse` it fails closed while it is not known what was revoked, with `serve` open.
 */
import type { VerifiedToken } from '../jwt/verify.ts';
import { Problem } from '../problem.ts';
import type { ClientBinding } from '../x509/identities.ts';
import type { Concerned, FeedState, RevocationFeed } from './revocation-feed.ts';

/** While it is not known what was revoked: nobody is served, or whoever was not known to be revoked last. */
export type OnUnavailable = 'refuse' | 'serve';

/** Whom a certificate stands for. */
export interface CheckedPeer {
  readonly spiffeId: string | undefined;
  /** The client that it is. */
  readonly binding: ClientBinding | undefined;
  /** Milliseconds since the epoch: the beginning of the certificate. */
  readonly notBefore: number;
}

export class RevocationCheck {
  readonly #feeds: readonly RevocationFeed[];
  readonly #byIssuer: ReadonlyMap<string, RevocationFeed>;
  readonly #refuses: boolean;

  constructor(feeds: readonly RevocationFeed[], onUnavailable: OnUnavailable) {
    this.#feeds = feeds;
    this.#byIssuer = new Map(feeds.map((feed) => [feed.issuer, feed]));
    this.#refuses = onUnavailable === 'refuse';
  }

  /** Why nobody is served; undefined: somebody may be. */
  get unavailable(): string | undefined {
    if (!this.#refuses) return undefined;
    return this.#feeds.find(({ available }) => !available)?.issuer;
  }

  states(): readonly FeedState[] {
    return this.#feeds.map(({ state }) => state);
  }

  /** @returns what ends it */
  onRevoked(listener: (concerned: Concerned) => void): () => void {
    const ends = this.#feeds.map((feed) => feed.onRevoked(listener));
    return () => {
      for (const end of ends) end();
    };
  }

  /** @throws Problem `revocations_unavailable` */
  requireKnown(): void {
    const issuer = this.unavailable;
    if (issuer === undefined) return;
    throw new Problem('revocations_unavailable', `what ${issuer} has revoked is not known`, { retryAfterSeconds: 1 });
  }

  /** @throws Problem `peer_revoked` */
  checkPeer(peer: CheckedPeer | undefined): void {
    if (peer === undefined) return;
    for (const { issuer, revocations } of this.#feeds) {
      if (revocations.size === 0) continue;
      const { spiffeId, binding, notBefore } = peer;
      const clientId = binding?.issuer === issuer ? binding.clientId : undefined;
      const kind = revocations.ofPeer({ spiffeId, clientId, notBefore });
      if (kind === 'client') throw new Problem('peer_revoked', `client ${clientId} of ${issuer} was revoked`);
      if (kind !== undefined) throw new Problem('peer_revoked', `${spiffeId} was revoked`);
    }
  }

  /** @throws Problem `token_revoked` */
  checkToken(token: VerifiedToken | undefined): void {
    if (token === undefined) return;
    const kind = token.issuer.startsWith('spiffe://')
      ? this.#ofSvid(token)
      : this.#byIssuer.get(token.issuer)?.revocations.ofToken(token);
    if (kind !== undefined) throw new Problem('token_revoked', REASONS[kind]);
  }

  /** A JWT-SVID names a workload as a certificate does, and belongs to no realm: each of them may have revoked it. */
  #ofSvid({ subject: spiffeId, claims }: VerifiedToken): 'spiffe_id' | undefined {
    // One that does not say when it was issued is taken for an old one.
    const notBefore = typeof claims['iat'] === 'number' ? claims['iat'] * 1000 : 0;
    const peer = { spiffeId, clientId: undefined, notBefore };
    return this.#feeds.some(({ revocations }) => revocations.ofPeer(peer) !== undefined) ? 'spiffe_id' : undefined;
  }
}

const REASONS = {
  jti: 'the token was revoked',
  client: 'its client was revoked',
  subject: 'its subject was revoked',
  spiffe_id: 'the workload that it names was revoked',
} as const;
