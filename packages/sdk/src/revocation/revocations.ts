/**
 * The revocations of one issuer, in memory. Looking one up costs the same for one and for a million, and nothing while there is none;
 * what has ended is forgotten.
 */
import type { VerifiedToken } from '../jwt/verify.ts';
import type { Clock } from '../ports.ts';
import type { Revocation, RevocationChange, RevokedKind } from './revocation.ts';

export interface RevocationsOptions {
  /** Entries at once, some 150 bytes each. */
  readonly maxEntries: number;
  readonly clock: Pick<Clock, 'now'>;
}

/** What a token says about whom it was issued to. */
export type RevocableToken = Pick<VerifiedToken, 'subject' | 'clientId' | 'claims'>;

/** Who a certificate stands for. */
export interface RevocablePeer {
  readonly spiffeId: string | undefined;
  readonly clientId: string | undefined;
  /** Milliseconds since the epoch: the beginning of the certificate. */
  readonly notBefore: number;
}

/** Of everything but single tokens. */
type Terms = Pick<Revocation, 'issuedUntil' | 'endsAt'>;

/** What ends within one of these is forgotten together. */
const SLOT_SECONDS = 16;

export class Revocations {
  readonly #options: RevocationsOptions;
  /** `jti` → when it may be forgotten. */
  readonly #tokens = new Map<string, number | undefined>();
  readonly #terms: Readonly<Record<Exclude<RevokedKind, 'jti'>, Map<string, Terms>>> = {
    client: new Map(),
    subject: new Map(),
    spiffe_id: new Map(),
  };
  /** Slot → the `jti`s that end in it. */
  readonly #ending = new Map<number, string[]>();
  #sweptSlot = 0;

  constructor(options: RevocationsOptions) {
    this.#options = options;
  }

  get size(): number {
    const { client, subject, spiffe_id: spiffeId } = this.#terms;
    return this.#tokens.size + client.size + subject.size + spiffeId.size;
  }

  /** @returns false when there is no room for it; nothing that counts is forgotten to make some */
  apply({ operation, revocation }: RevocationChange): boolean {
    if (operation === 'revoke') return this.#revoke(revocation);
    const { kind, value } = revocation;
    if (kind === 'jti') this.#tokens.delete(value);
    else this.#terms[kind].delete(value);
    return true;
  }

  /** Why the token must not be accepted; undefined when nothing speaks against it. */
  ofToken(token: RevocableToken): RevokedKind | undefined {
    const { client, subject, spiffe_id: spiffeId } = this.#terms;
    if (this.#tokens.size > 0) {
      const { jti } = token.claims;
      if (typeof jti === 'string' && this.#tokens.has(jti)) return 'jti';
    }
    if (client.size > 0 && token.clientId !== undefined && this.#counts(client.get(token.clientId), token)) {
      return 'client';
    }
    if (subject.size > 0 && this.#counts(subject.get(token.subject), token)) return 'subject';
    if (spiffeId.size > 0 && this.#counts(spiffeId.get(token.subject), token)) return 'spiffe_id';
    return undefined;
  }

  /** Why a peer with this certificate must not be served; undefined when nothing speaks against it. */
  ofPeer({ spiffeId, clientId, notBefore }: RevocablePeer): RevokedKind | undefined {
    const { client, spiffe_id: ids } = this.#terms;
    const issuedAt = Math.floor(notBefore / 1000);
    if (ids.size > 0 && spiffeId !== undefined && this.#covers(ids.get(spiffeId), issuedAt)) return 'spiffe_id';
    if (client.size > 0 && clientId !== undefined && this.#covers(client.get(clientId), issuedAt)) return 'client';
    return undefined;
  }

  /** Whether anything may still be issued to them. */
  blocks(kind: Exclude<RevokedKind, 'jti'>, value: string): boolean {
    const terms = this.#terms[kind].get(value);
    return terms !== undefined && terms.issuedUntil === undefined && !this.#ended(terms);
  }

  get(kind: RevokedKind, value: string): Revocation | undefined {
    if (kind !== 'jti') {
      const terms = this.#terms[kind].get(value);
      return terms && { kind, value, ...terms };
    }
    if (!this.#tokens.has(value)) return undefined;
    return { kind, value, issuedUntil: undefined, endsAt: this.#tokens.get(value) };
  }

  /** Those that have not ended; one that comes meanwhile may be among them. */
  *entries(): Generator<Revocation> {
    this.#sweep();
    for (const [value, endsAt] of this.#tokens) yield { kind: 'jti', value, issuedUntil: undefined, endsAt };
    for (const kind of ['client', 'subject', 'spiffe_id'] as const) {
      for (const [value, terms] of this.#terms[kind]) if (!this.#ended(terms)) yield { kind, value, ...terms };
    }
  }

  #revoke({ kind, value, issuedUntil, endsAt }: Revocation): boolean {
    this.#sweep();
    if (endsAt !== undefined && endsAt <= this.#now()) return true;
    const known = kind === 'jti' ? this.#tokens.has(value) : this.#terms[kind].has(value);
    if (!known && this.size >= this.#options.maxEntries) return false;
    if (kind === 'jti') this.#revokeToken(value, endsAt);
    else this.#terms[kind].set(value, { issuedUntil, endsAt });
    return true;
  }

  #revokeToken(jti: string, endsAt: number | undefined): void {
    // However often the same is said, it takes no more room.
    if (this.#tokens.has(jti) && this.#tokens.get(jti) === endsAt) return;
    this.#tokens.set(jti, endsAt);
    if (endsAt === undefined) return;
    const slot = Math.floor(endsAt / SLOT_SECONDS);
    const ending = this.#ending.get(slot);
    if (ending === undefined) this.#ending.set(slot, [jti]);
    else ending.push(jti);
  }

  #sweep(): void {
    const now = this.#now();
    const slot = Math.floor(now / SLOT_SECONDS);
    if (slot <= this.#sweptSlot) return;
    this.#sweptSlot = slot;
    for (const [ended, ids] of this.#ending) {
      if (ended >= slot) continue;
      this.#ending.delete(ended);
      // One that was revoked once more may end later by now.
      for (const jti of ids) if ((this.#tokens.get(jti) ?? Number.POSITIVE_INFINITY) <= now) this.#tokens.delete(jti);
    }
    for (const terms of Object.values(this.#terms)) {
      for (const [value, held] of terms) if (this.#ended(held)) terms.delete(value);
    }
  }

  #counts(terms: Terms | undefined, { claims }: RevocableToken): boolean {
    if (terms === undefined) return false;
    const { iat } = claims;
    // A token that does not say when it was issued may be as old as it likes.
    return this.#covers(terms, typeof iat === 'number' ? iat : 0);
  }

  #covers(terms: Terms | undefined, issuedAt: number): boolean {
    if (terms === undefined || this.#ended(terms)) return false;
    return terms.issuedUntil === undefined || Math.floor(issuedAt) <= terms.issuedUntil;
  }

  #ended({ endsAt }: Terms): boolean {
    return endsAt !== undefined && endsAt <= this.#now();
  }

  #now(): number {
    return this.#options.clock.now() / 1000;
  }
}
