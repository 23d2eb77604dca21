/** Remembers what may be used once: a `jti`, a nonce. What was used stays known until it would be refused as expired anyway. */

export interface ReplayStore {
  /**
   * Whether this is the first use; of any number of parallel ones exactly one is. Live entries are never forgotten to make room.
   *
   * @param id unique among everything that this store is asked about: the kind, the issuer and the identifier
   * @param expiresAtMs milliseconds since the Unix epoch, when the id is refused for its age; not in the past
   * @throws Problem `replay_store_full`, 503: it cannot be remembered, so it must not be accepted
   */
  firstUse(id: string, expiresAtMs: number): boolean | Promise<boolean>;
}
