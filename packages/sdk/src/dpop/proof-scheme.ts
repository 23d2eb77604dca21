/** The scheme by which a token comes with the proof of a key, rather than as what whoever bears it may use: RFC 9449 section 7.1. */

export const PROOF_SCHEME = 'DPoP';

const PREFIX = `${PROOF_SCHEME.toLowerCase()} `;

/** @param authorization the only value of the field; undefined: there is none, or there are several */
export function hasProofScheme(authorization: string | undefined): boolean {
  return authorization?.slice(0, PREFIX.length).toLowerCase() === PREFIX;
}
