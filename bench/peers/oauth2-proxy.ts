/** oauth2-proxy with bearer tokens: TLS without client certificates, which it does not check, signature and claims. */
import { PEER_CORE } from '../cores.ts';
import type { BenchFiles } from '../files.ts';
import { freePort, type Peer, startPeer } from '../peer.ts';
import { BINARIES } from './binaries.ts';

export async function startOauth2Proxy(files: BenchFiles, origin: number): Promise<Peer> {
  const port = await freePort();
  const settings = {
    'https-address': `127.0.0.1:${port}`,
    'http-address': '',
    'tls-cert-file': files.serverCert,
    'tls-key-file': files.serverKey,
    'tls-min-version': 'TLS1.3',
    provider: 'oidc',
    'oidc-issuer-url': files.issuer,
    'skip-oidc-discovery': 'true',
    'oidc-jwks-url': files.jwksUrl,
    'login-url': 'http://127.0.0.1/login',
    'redeem-url': 'http://127.0.0.1/token',
    'client-id': 'order-service',
    'client-secret': 'of-the-benchmark',
    'cookie-secret': '0123456789abcdef0123456789abcdef',
    'email-domain': '*',
    'skip-jwt-bearer-tokens': 'true',
    'oidc-groups-claim': 'realm_access',
    upstream: `http://127.0.0.1:${origin}/`,
    'request-logging': 'false',
    'auth-logging': 'false',
    'standard-logging': 'false',
  };
  const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  const job = 'TLS, token; no client certificate, no policy';
  return startPeer({
    name: 'oauth2-proxy',
    job,
    port,
    core: PEER_CORE,
    command: BINARIES['oauth2-proxy'],
    args,
    env: { GOMAXPROCS: '1' },
  });
}
