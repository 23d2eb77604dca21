/** A request as every framework can show it: what a verifier may look at, and nothing that only one of them has. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query as received, such as `/orders/42?full=1`. */
  readonly target: string;
  /** The values of every field of that name, which is in lower case, as sent and in order. */
  values(name: string): readonly string[];
  /** DER of the client certificate that TLS verified on this connection; undefined: none, or TLS did not verify it. */
  readonly clientCertificate: Uint8Array | undefined;
  /** The address of whoever opened the connection, which may be a proxy. */
  readonly remoteAddress: string | undefined;
  /** The body as received, for verifiers that need its bytes; rejects with Problem `body_too_large`. */
  body(): Promise<Uint8Array>;
}
