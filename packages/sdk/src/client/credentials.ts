/** The one interface behind which every way of proving who calls stands, on the calling side. */

/** What is about to be sent, as credentials see it. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes of the body; undefined: there is none, or it is a stream, which no signature can cover. */
  readonly body: Uint8Array | undefined;
}

/** One way to prove who calls. Mutual TLS is none of them: it is the identity of the connection, and stands beside any of them. */
export interface Credentials {
  /** For logs and errors, such as `oauth2` or `shared_secret`; never a secret. */
  readonly kind: string;
  /**
   * The header fields that prove it, names in lower case. They replace those of the request.
   * Rejects with a Problem when there is no proof, and nothing may be sent then.
   */
  authorize(request: OutgoingRequest): Promise<Readonly<Record<string, string>>>;
  /**
   * Every answer of the target, first: what it asks of the next proof is remembered.
   *
   * @returns whether this request is worth sending once more, because the target now would get the proof that it asked for
   */
  answered?(request: OutgoingRequest, answer: Pick<Response, 'status' | 'headers'>): boolean;
  /** The target answered 401, and not because it asks for another proof: whatever was cached for this request is forgotten. */
  refused(request: OutgoingRequest): void;
  close(): void;
}

/** Credentials of which the compiler knows what they may be used for. */
export interface ScopedCredentials<Scope extends string> extends Credentials {
  readonly scopes: readonly Scope[];
}
