/** The messages of the SPIFFE Workload API (`workload.proto`), as client and server read and write them. */
import { mapMembers, readMap, readMessage, single, text, writeMessage } from './wire.ts';

/** One identity as it travels; nothing in it is judged yet. */
export interface X509SvidMessage {
  readonly spiffeId: string;
  /** DER certificates one after the other, the leaf first. */
  readonly certificates: Uint8Array;
  /** PKCS #8, DER. */
  readonly privateKey: Uint8Array;
  /** DER certificates of its trust domain's authorities. */
  readonly bundle: Uint8Array;
  readonly hint: string;
}

export interface X509SvidResponse {
  readonly svids: readonly X509SvidMessage[];
  /** DER. */
  readonly crl: readonly Uint8Array[];
  /** Trust domain as a SPIFFE ID → DER certificates. */
  readonly federatedBundles: ReadonlyMap<string, Uint8Array>;
}

export interface X509BundlesResponse {
  readonly crl: readonly Uint8Array[];
  readonly bundles: ReadonlyMap<string, Uint8Array>;
}

export interface JwtSvidMessage {
  readonly spiffeId: string;
  readonly token: string;
  readonly hint: string;
}

export interface JwtSvidRequest {
  readonly audiences: readonly string[];
  /** Empty: every identity of the workload. */
  readonly spiffeId: string;
}

export interface ValidateJwtSvidRequest {
  readonly audience: string;
  readonly token: string;
}

const X509_SVID_RESPONSE = { svids: 1, crl: 2, federatedBundles: 3 } as const;
const X509_SVID = { spiffeId: 1, certificates: 2, privateKey: 3, bundle: 4, hint: 5 } as const;
const X509_BUNDLES_RESPONSE = { crl: 1, bundles: 2 } as const;
const JWT_SVID_REQUEST = { audiences: 1, spiffeId: 2 } as const;
const JWT_SVID_RESPONSE = { svids: 1 } as const;
const JWT_SVID = { spiffeId: 1, token: 2, hint: 3 } as const;
const JWT_BUNDLES_RESPONSE = { bundles: 1 } as const;
const VALIDATE_REQUEST = { audience: 1, token: 2 } as const;
const VALIDATE_RESPONSE = { spiffeId: 1, claims: 2 } as const;

export function readX509SvidResponse(bytes: Uint8Array): X509SvidResponse {
  const { svids, crl, federatedBundles } = readMessage(bytes, X509_SVID_RESPONSE);
  return {
    svids: svids.map((each) => {
      const members = readMessage(each, X509_SVID);
      return {
        spiffeId: text(single(members.spiffeId, 'spiffe_id'), 'spiffe_id'),
        certificates: single(members.certificates, 'x509_svid'),
        privateKey: single(members.privateKey, 'x509_svid_key'),
        bundle: single(members.bundle, 'bundle'),
        hint: text(single(members.hint, 'hint'), 'hint'),
      };
    }),
    crl,
    federatedBundles: readMap(federatedBundles, 'federated_bundles'),
  };
}

export function writeX509SvidResponse({ svids, crl, federatedBundles }: X509SvidResponse): Uint8Array {
  return writeMessage([
    ...svids.map(
      (svid) =>
        [
          X509_SVID_RESPONSE.svids,
          writeMessage([
            [X509_SVID.spiffeId, svid.spiffeId],
            [X509_SVID.certificates, svid.certificates],
            [X509_SVID.privateKey, svid.privateKey],
            [X509_SVID.bundle, svid.bundle],
            [X509_SVID.hint, svid.hint],
          ]),
        ] as const,
    ),
    ...crl.map((list) => [X509_SVID_RESPONSE.crl, list] as const),
    ...mapMembers(X509_SVID_RESPONSE.federatedBundles, federatedBundles),
  ]);
}

export function readX509BundlesResponse(bytes: Uint8Array): X509BundlesResponse {
  const { crl, bundles } = readMessage(bytes, X509_BUNDLES_RESPONSE);
  return { crl, bundles: readMap(bundles, 'bundles') };
}

export function writeX509BundlesResponse({ crl, bundles }: X509BundlesResponse): Uint8Array {
  return writeMessage([
    ...crl.map((list) => [X509_BUNDLES_RESPONSE.crl, list] as const),
    ...mapMembers(X509_BUNDLES_RESPONSE.bundles, bundles),
  ]);
}

export function readJwtSvidRequest(bytes: Uint8Array): JwtSvidRequest {
  const { audiences, spiffeId } = readMessage(bytes, JWT_SVID_REQUEST);
  return {
    audiences: audiences.map((each) => text(each, 'audience')),
    spiffeId: text(single(spiffeId, 'spiffe_id'), 'spiffe_id'),
  };
}

export function writeJwtSvidRequest({ audiences, spiffeId }: JwtSvidRequest): Uint8Array {
  return writeMessage([
    ...audiences.map((audience) => [JWT_SVID_REQUEST.audiences, audience] as const),
    [JWT_SVID_REQUEST.spiffeId, spiffeId],
  ]);
}

export function readJwtSvidResponse(bytes: Uint8Array): readonly JwtSvidMessage[] {
  return readMessage(bytes, JWT_SVID_RESPONSE).svids.map((each) => {
    const { spiffeId, token, hint } = readMessage(each, JWT_SVID);
    return {
      spiffeId: text(single(spiffeId, 'spiffe_id'), 'spiffe_id'),
      token: text(single(token, 'svid'), 'svid'),
      hint: text(single(hint, 'hint'), 'hint'),
    };
  });
}

export function writeJwtSvidResponse(svids: readonly JwtSvidMessage[]): Uint8Array {
  return writeMessage(
    svids.map(({ spiffeId, token, hint }) => [
      JWT_SVID_RESPONSE.svids,
      writeMessage([
        [JWT_SVID.spiffeId, spiffeId],
        [JWT_SVID.token, token],
        [JWT_SVID.hint, hint],
      ]),
    ]),
  );
}

/** Trust domain as a SPIFFE ID → a JWK set. */
export function readJwtBundlesResponse(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  return readMap(readMessage(bytes, JWT_BUNDLES_RESPONSE).bundles, 'bundles');
}

export function writeJwtBundlesResponse(bundles: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return writeMessage(mapMembers(JWT_BUNDLES_RESPONSE.bundles, bundles));
}

export function readValidateJwtSvidRequest(bytes: Uint8Array): ValidateJwtSvidRequest {
  const { audience, token } = readMessage(bytes, VALIDATE_REQUEST);
  return { audience: text(single(audience, 'audience'), 'audience'), token: text(single(token, 'svid'), 'svid') };
}

export function writeValidateJwtSvidRequest({ audience, token }: ValidateJwtSvidRequest): Uint8Array {
  return writeMessage([
    [VALIDATE_REQUEST.audience, audience],
    [VALIDATE_REQUEST.token, token],
  ]);
}

/** Whose it is; the claims are those of the token, which its holder can read himself. */
export function readValidateJwtSvidResponse(bytes: Uint8Array): string {
  return text(single(readMessage(bytes, VALIDATE_RESPONSE).spiffeId, 'spiffe_id'), 'spiffe_id');
}

/** @param claims a `google.protobuf.Struct` */
export function writeValidateJwtSvidResponse(spiffeId: string, claims: Uint8Array): Uint8Array {
  return writeMessage([
    [VALIDATE_RESPONSE.spiffeId, spiffeId],
    [VALIDATE_RESPONSE.claims, claims],
  ]);
}
