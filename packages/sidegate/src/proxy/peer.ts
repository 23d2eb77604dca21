/** The other end of a connection, as every later stage sees it: worked out once, when its first request arrives. */
import {
  type ClientBinding,
  formatDistinguishedName,
  type IdentityLookup,
  type PeerIdentity,
  singleAttributes,
} from '@sidegate/sdk';

export interface Peer {
  /** `spiffe://…`; undefined for a peer that is known by its listed subject only. */
  readonly spiffeId: string | undefined;
  readonly commonName: string | undefined;
  /** The whole subject, for logs. */
  readonly subject: string;
  /** Short attribute name → value, for policies: `CN`, `O`, …; one that occurs twice is left out. */
  readonly attributes: Readonly<Record<string, string>>;
  /** `x5t#S256`. */
  readonly thumbprint: string;
  /** Milliseconds since the epoch, as the next one. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** The client that the certificate stands for; undefined when the identities table does not name it. */
  readonly binding: ClientBinding | undefined;
}

/** @throws Problem `peer_identity_invalid` when the identities table contradicts itself about this peer */
export function describePeer(identity: PeerIdentity, identities: IdentityLookup | undefined): Peer {
  return {
    spiffeId: identity.spiffeId?.uri,
    commonName: identity.commonName,
    subject: formatDistinguishedName(identity.subject),
    attributes: singleAttributes(identity.subject),
    thumbprint: identity.thumbprint,
    notBefore: identity.notBefore,
    notAfter: identity.notAfter,
    binding: identities?.(identity),
  };
}
