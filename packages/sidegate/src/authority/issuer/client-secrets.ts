/** Secrets that clients have beside the one of the realm file: rotated at run time, kept hashed, two valid at once. */

export interface ClientSecrets {
  /** Whether this is one of the client's valid secrets; takes as long for a client that has none, or does not exist. */
  matches(realm: string, clientId: string, presented: string): Promise<boolean>;
}
