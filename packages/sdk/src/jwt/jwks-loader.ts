/** Fetching the bytes of an issuer's key set over HTTP: from a known URL, or found by discovery. */
import type { HttpClient, HttpResponse } from '../ports.ts';
import { excerpt } from '../x509/excerpt.ts';
import { MAX_JWKS_BYTES } from './jwks.ts';
import { requireSecureUrl } from './secure-url.ts';
import { isJsonObject, parseStrictJson } from './strict-json.ts';

/** Brings the bytes of the current set; rejects, for people, when there are none. */
export type JwksLoader = () => Promise<Uint8Array>;

const FETCH_TIMEOUT_MS = 5_000;

/**
 * A loader for a fixed URL. A redirect is an answer like any other that is not 200: a failure.
 *
 * @throws TypeError when the URL is not https (or http on a loopback host)
 */
export function httpJwksLoader(http: HttpClient, url: string): JwksLoader {
  requireSecureUrl(url);
  return () => fetchBytes(http, url);
}

/**
 * A loader that reads `jwks_uri` from the issuer's discovery document, OpenID Connect Discovery 1.0 section 4.
 * The document must name exactly this issuer, or one issuer could speak for another: RFC 8414 section 3.3.
 *
 * @throws TypeError when the issuer is not https (or http on a loopback host)
 */
export function discoveryJwksLoader(http: HttpClient, issuer: string): JwksLoader {
  requireSecureUrl(issuer);
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  return async () => {
    const document = parseStrictJson(await fetchBytes(http, url));
    if (!isJsonObject(document) || document['issuer'] !== issuer) {
      throw new Error(`the discovery document does not name the issuer ${excerpt(issuer)}`);
    }
    const { jwks_uri: jwksUri } = document;
    if (typeof jwksUri !== 'string') throw new Error('the discovery document has no jwks_uri');
    requireSecureUrl(jwksUri);
    // What came over TLS must not send us to where anybody of this machine may listen.
    if (issuer.startsWith('https:') && !jwksUri.startsWith('https:')) {
      throw new Error('the discovery document of an https issuer has its keys elsewhere than on https');
    }
    return fetchBytes(http, jwksUri);
  };
}

async function fetchBytes(http: HttpClient, url: string): Promise<Uint8Array> {
  return (await fetchKeySet(http, url, 'application/jwk-set+json, application/json')).body;
}

/** Rejects, for people, unless the answer is 200 within our bounds. */
export async function fetchKeySet(http: HttpClient, url: string, accept: string): Promise<HttpResponse> {
  const response = await http({
    method: 'GET',
    url,
    // Uncompressed, so that the limit on the bytes received is the limit on the bytes read.
    headers: { accept, 'accept-encoding': 'identity' },
    timeoutMs: FETCH_TIMEOUT_MS,
    maxBytes: MAX_JWKS_BYTES,
  });
  if (response.status !== 200) throw new Error(`${excerpt(url)} answered ${response.status}`);
  return response;
}
