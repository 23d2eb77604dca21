/** To whom a token is bound: the certificate of the connection (RFC 8705 section 3), the key of a DPoP proof (RFC 9449). */
import {
  type Clock,
  type Confirmation,
  type DpopNonces,
  Problem,
  type ReplayStore,
  verifyDpopProof,
} from '@sidegate/sdk';
import { OAuthError } from './oauth-error.ts';
import { certificateThumbprint, type PeerCertificate } from './peer-certificate.ts';
import type { Client, ClientAuthentication, Realm } from './realm.ts';

export interface Presented {
  readonly peer: PeerCertificate | undefined;
  /** Every DPoP header of the request. */
  readonly dpop: readonly string[];
}

export interface BindingContext {
  readonly realm: Realm;
  readonly replay: ReplayStore;
  readonly clock: Clock;
  /** Absent: proofs need no nonce. */
  readonly nonces: DpopNonces | undefined;
}

const BY_CERTIFICATE: ReadonlySet<ClientAuthentication['method']> = new Set([
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'spiffe_x509',
]);

/** @throws OAuthError `invalid_request`, `invalid_dpop_proof`, `use_dpop_nonce` */
export async function confirmationOf(
  client: Client,
  presented: Presented,
  context: BindingContext,
): Promise<Confirmation | undefined> {
  const certificate = boundCertificate(client, presented.peer);
  const jkt = client.dpopBound || presented.dpop.length > 0 ? await provenKey(presented.dpop, context) : undefined;
  if (certificate === undefined && jkt === undefined) return undefined;
  return {
    ...(certificate === undefined ? {} : { 'x5t#S256': certificate }),
    ...(jkt === undefined ? {} : { jkt }),
  };
}

/** When the certificate authenticated the client, or the client is configured so. */
function boundCertificate(client: Client, peer: PeerCertificate | undefined): string | undefined {
  if (!client.certificateBound && !BY_CERTIFICATE.has(client.authentication.method)) return undefined;
  if (peer === undefined) {
    throw new OAuthError('invalid_request', 'tokens of this client are bound to a certificate; none was presented');
  }
  return certificateThumbprint(peer);
}

async function provenKey(dpop: readonly string[], context: BindingContext): Promise<string> {
  const { realm, replay, clock, nonces } = context;
  try {
    const endpoint = `${realm.issuer}/protocol/openid-connect/token`;
    const proof = verifyDpopProof(dpop, { method: 'POST', uris: [endpoint] }, { clock, nonces });
    if (await replay.firstUse(proof.id, proof.expiresAtMs)) return proof.thumbprint;
    throw new Problem('dpop_proof_replayed', 'the proof was used before');
  } catch (error) {
    if (!(error instanceof Problem) || error.row.status >= 500) throw error;
    const detail = error.message;
    if (error.code !== 'dpop_nonce_required' || nonces === undefined) {
      throw new OAuthError('invalid_dpop_proof', 'the DPoP proof is missing or not for this request', { detail });
    }
    const headers = { 'dpop-nonce': nonces.current() };
    throw new OAuthError('use_dpop_nonce', 'the DPoP proof must carry the nonce of this answer', { detail, headers });
  }
}
