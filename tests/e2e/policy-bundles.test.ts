/** Policies from a bundle server: what is not signed, does not compile or does not come never takes the place of what was good. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type BundleServer, startBundleServer } from '../support/bundle-server.ts';
import { type Ingress, type IngressOptions, startIngress } from '../support/ingress.ts';
import { createBundleSigner, packBundle, signFiles } from '../support/policy-bundle.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';

const signer = createBundleSigner();
const stranger = createBundleSigner();
const ADMIN = 'admin: { addr: "127.0.0.1:0" }';
const KEPT = '/state/policy.tar.gz';
const TOKEN = 'canary-bundle-token';

const rego = (allowed: string): string => `package order\n\nallow if input.request.path == "${allowed}"\n`;
const files = (allowed: string) => ({ 'order.rego': rego(allowed) });
const bundle = (allowed: string, by = signer) => packBundle(signFiles(files(allowed), by));

function start(url: string, options: Partial<IngressOptions> = {}, more = '', policy = ''): Promise<Ingress> {
  return startIngress({
    proxy: '  authz: { policy_query: data.order.allow }',
    chapters: `policy:
  path: ${KEPT}
  bundle:
    enabled: true
    url: \${BUNDLE}
    polling_interval: 1s
    keys: { default: { algorithm: ES256, key_file: /release.pem } }
${more}
${policy}`,
    ...options,
    files: { '/release.pem': signer.publicPem, '/state/other': '', ...options.files },
    env: { BUNDLE: url, TOKEN, ...options.env },
  });
}

const status = async (ingress: Ingress, target: string): Promise<number> => (await ingress.send({ target })).status;
const logged = (ingress: Ingress, text: RegExp): number =>
  ingress.sidecar
    .log()
    .split('\n')
    .filter((line) => text.test(line)).length;
const keptBy = (ingress: Ingress) => readFileSync(path.join(ingress.sidecar.root, KEPT));

async function polledTwice(server: BundleServer): Promise<void> {
  const before = server.requests.length;
  await until(() => server.requests.length >= before + 2, 5_000);
}

describe('without a good bundle nothing is allowed:', () => {
  const ROWS: readonly (readonly [title: string, serve: Parameters<BundleServer['serve']>[0]])[] = [
    ['a bundle that nobody signed', packBundle(files('/orders'))],
    ['a bundle that somebody else signed', bundle('/orders', stranger)],
    [
      'a bundle that was changed after it was signed',
      packBundle({ ...signFiles(files('/a'), signer), ...files('/orders') }),
    ],
    ['a bundle that does not compile', packBundle(signFiles({ 'order.rego': 'package order\n\nallow if x' }, signer))],
    ['a bundle without the rule', packBundle(signFiles({ 'a.rego': 'package a\n\nallow := true' }, signer))],
    ['what is no archive', Buffer.from('<html>')],
    ['500', (response) => void response.writeHead(500).end(bundle('/orders'))],
    ['302', (response) => void response.writeHead(302, { location: '/elsewhere' }).end(bundle('/orders'))],
    ['a broken connection', (response) => void response.socket?.resetAndDestroy()],
  ];
  for (const [title, serve] of ROWS) {
    test(`C-225 ${title}`, async () => {
      await using server = await startBundleServer();
      server.serve(serve);
      await using ingress = await start(server.url, { ready: false });
      await keysLoaded(ingress);
      await until(() => logged(ingress, /"level":"warn"/) > 0);
      await ingress.refused('policy_error', () => ingress.send({ target: '/orders' }));
      assert.deepEqual(readdirSync(path.join(ingress.sidecar.root, '/state')), ['other'], 'nothing is kept');
    });
  }

  test('/ready is 503 and says why, until a bundle is there', async () => {
    await using server = await startBundleServer();
    server.serve((response) => void response.writeHead(500).end());
    await using ingress = await start(server.url, { ready: false }, '', ADMIN);
    await keysLoaded(ingress);
    const ready = () => sendRequest({ port: ingress.sidecar.adminPort }, { target: '/ready' });
    const { status: before, body } = await ready();
    const reasons = [{ code: 'policy_missing', detail: 'no policy bundle is loaded yet' }];
    assert.deepEqual([before, JSON.parse(body)], [503, { status: 'not_ready', reasons }]);
    server.serve(bundle('/orders'));
    await ingress.sidecar.ready;
    assert.equal((await ready()).status, 200);
  });

  test('policy.fallback decides until a first bundle is there', async () => {
    await using server = await startBundleServer();
    server.serve((response) => void response.writeHead(500).end());
    const fallback = '  fallback: { engine: opa_embedded, path: /fallback }';
    await using ingress = await start(
      server.url,
      { ready: false, files: { '/fallback/a.rego': rego('/meanwhile') } },
      '',
      fallback,
    );
    await keysLoaded(ingress);
    assert.deepEqual([await status(ingress, '/meanwhile'), await status(ingress, '/orders')], [200, 403]);
    server.serve(bundle('/orders'));
    await until(() => logged(ingress, /up to date again/) > 0, 5_000);
    assert.deepEqual([await status(ingress, '/meanwhile'), await status(ingress, '/orders')], [403, 200]);
  });
});

/** Without keys it is 503, whatever the policy is. */
async function keysLoaded(ingress: Ingress): Promise<void> {
  while ((await status(ingress, '/')) === 503) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a bundle that is good', () => {
  test('decides, is kept for its owner only, and is not sent again while its ETag is the same', async () => {
    await using server = await startBundleServer();
    const good = bundle('/orders');
    server.serve(good);
    await using ingress = await start(server.url);
    assert.deepEqual(keptBy(ingress), good);
    assert.deepEqual([await status(ingress, '/other'), await status(ingress, '/orders')], [403, 200]);
    assert.equal(statSync(path.join(ingress.sidecar.root, KEPT)).mode & 0o777, 0o600);
    await polledTwice(server);
    assert.deepEqual(
      server.requests.slice(0, 2).map(({ status: answered }) => answered),
      [200, 304],
    );
    assert.equal(server.requests[0]?.headers.authorization, undefined);
    assert.equal(logged(ingress, /bundle/), 0, 'nothing to tell');
  });

  test('C-226 is asked for with the bearer token, which no output holds', async () => {
    await using server = await startBundleServer();
    server.serve(bundle('/orders'));
    const auth = '    auth_type: bearer\n    auth_token: ${TOKEN}';
    await using ingress = await start(server.url, {}, auth);
    assert.equal(server.requests[0]?.headers.authorization, `Bearer ${TOKEN}`);
    server.serve((response) => void response.writeHead(401).end(TOKEN));
    await until(() => logged(ingress, /answered 401/) > 0, 5_000);
    assert.ok(!`${ingress.sidecar.log()}${ingress.sidecar.lines.join('')}`.includes(TOKEN));
  });

  test('takes the place of the one before at once, and a bad one after it changes nothing and is told once', async () => {
    await using server = await startBundleServer();
    server.serve(bundle('/orders'));
    await using ingress = await start(server.url);
    const bad = bundle('/stolen', stranger);
    server.serve(bad);
    await until(() => logged(ingress, /the last good one stays/) > 0, 5_000);
    await polledTwice(server);
    assert.equal(logged(ingress, /the last good one stays/), 1);
    assert.deepEqual([await status(ingress, '/stolen'), await status(ingress, '/orders')], [403, 200]);
    assert.notDeepEqual(keptBy(ingress), bad);
    const next = bundle('/next');
    server.serve(next);
    await until(() => logged(ingress, /up to date again/) > 0, 5_000);
    assert.deepEqual([await status(ingress, '/orders'), await status(ingress, '/next')], [403, 200]);
    assert.deepEqual(keptBy(ingress), next);
  });
});

describe('a start without the server', () => {
  test('uses the bundle that was kept, and takes a newer one when the server is back', async () => {
    const gone = await startBundleServer();
    await gone[Symbol.asyncDispose]();
    await using ingress = await start(gone.url, { files: { [KEPT]: bundle('/orders') } });
    assert.deepEqual([await status(ingress, '/other'), await status(ingress, '/orders')], [403, 200]);
    await until(() => logged(ingress, /the bundle server cannot be reached/) > 0);
    await using server = await startBundleServer(gone.port);
    server.serve(bundle('/next'));
    await until(() => logged(ingress, /up to date again/) > 0, 5_000);
    assert.deepEqual([await status(ingress, '/orders'), await status(ingress, '/next')], [403, 200]);
    assert.equal(logged(ingress, /cannot be reached/), 1);
  });

  test('C-225 does not use a kept bundle that somebody else signed', async () => {
    const gone = await startBundleServer();
    await gone[Symbol.asyncDispose]();
    await using ingress = await start(gone.url, { ready: false, files: { [KEPT]: bundle('/orders', stranger) } });
    await keysLoaded(ingress);
    await ingress.refused('policy_error', () => ingress.send({ target: '/orders' }));
    assert.equal(logged(ingress, /the bundle that was kept is not used/), 1);
  });
});
