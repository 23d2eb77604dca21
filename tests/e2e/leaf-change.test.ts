/** An egress whose client certificate changes while the issuer of its tokens is away: the pair before serves, with its token, until there is a token for the new one. */
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { createTestAuthority } from '../support/certificates.ts';
import { startHttpsApp } from '../support/https-app.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { until } from '../support/until.ts';

const ID = 'spiffe://example.org/zone1/orders';
const WAIT_MS = 20_000;

/** What a target saw: which certificate, with which token. */
interface Seen {
  readonly serial: string;
  readonly authorization: string;
}

async function start() {
  await using started = new AsyncDisposableStack();
  const authority = createTestAuthority('zone1-CA');
  const seen: Seen[] = [];
  const server = authority.issue({ dns: ['localhost'], eku: ['serverAuth'] });
  const target = started.use(
    await startHttpsApp(
      (request: IncomingMessage, response) => {
        const { serialNumber: serial } = (request.socket as TLSSocket).getPeerCertificate();
        seen.push({ serial, authorization: request.headers.authorization ?? '' });
        response.end('ok');
      },
      { cert: server.certPem, key: server.keyPem, ca: authority.certPem, requestCert: true, rejectUnauthorized: true },
    ),
  );
  let asked = 0;
  const issues = () => {
    asked += 1;
    return { body: { access_token: `canary-${asked}`, token_type: 'Bearer', expires_in: 300 } };
  };
  const endpoint = started.use(await startTokenEndpoint(issues));
  const folder = await mkdtemp(path.join(tmpdir(), 'sidegate-leaf-'));
  started.defer(() => rm(folder, { recursive: true }));
  const at = (name: string) => path.join(folder, name);
  const renew = async (): Promise<void> => {
    const { certPem, keyPem } = authority.issue({ uris: [ID] });
    for (const [name, text] of [
      ['own.key', keyPem],
      ['own.crt', certPem],
    ] as const) {
      await writeFile(at(`${name}.new`), text, { mode: 0o600 });
      await rename(at(`${name}.new`), at(name));
    }
  };
  await renew();
  await writeFile(at('ca.crt'), authority.certPem);
  await writeFile(
    at('config.yaml'),
    `service: { name: orders }
proxy: { enabled: false }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data:
      url: https://localhost:${target.port}
      tls: { enabled: true, client_cert: own.crt, client_key: own.key, ca_cert: ca.crt }
      auth: { type: oauth2_client_credentials, token_url: "${endpoint.url}", client_id: orders, client_secret: "\${SECRET}" }
  routes: [{ path_prefix: /, target: data }]
`,
  );
  const sidecar = started.use(await startSidecarProcess(['--config', at('config.yaml')], { SECRET: 'canary-secret' }));
  assert.notEqual(sidecar.listening, undefined, sidecar.stderr());
  const running = started.move();
  return {
    endpoint,
    issues,
    seen,
    renew,
    sidecar,
    reloads: () => sidecar.stdout().match(/"event":"reloaded"/g)?.length ?? 0,
    call: async () => (await fetch(`http://${String(sidecar.listening?.egress)}/stock`)).status,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test('S4-088 a leaf changes twice while the issuer is away: no request fails, and each certificate is seen with its own token alone', async () => {
  await using scene = await start();
  const statuses = new Map<number, number>();
  const enough = new AbortController();
  using _stop = { [Symbol.dispose]: () => enough.abort() };
  const client = async (): Promise<void> => {
    while (!enough.signal.aborted) {
      const status = await scene.call();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      await pause(10);
    }
  };
  const clients = Promise.all([client(), client()]);
  await until(() => scene.seen.length > 10, WAIT_MS);
  scene.endpoint.answer = () => 'reset';
  for (const reloads of [1, 2]) {
    await scene.renew();
    await until(() => scene.reloads() >= reloads, WAIT_MS);
    const before = scene.seen.length;
    await until(() => scene.seen.length > before + 50, WAIT_MS);
  }
  assert.equal(new Set(scene.seen.map(({ serial }) => serial)).size, 1, 'the first pair serves');
  assert.ok(scene.endpoint.requests.length >= 2, 'another token was asked for');
  scene.endpoint.answer = scene.issues;
  await until(() => new Set(scene.seen.map(({ serial }) => serial)).size === 2, WAIT_MS);
  await pause(300);
  enough.abort();
  await clients;
  assert.deepEqual([...statuses.keys()], [200], scene.sidecar.stderr());
  const pairs = new Set(scene.seen.map(({ serial, authorization }) => `${serial} ${authorization}`));
  assert.equal(pairs.size, 2, [...pairs].join());
});
