/** The engines that OPA itself stands behind: its server beside a sidecar, and its WebAssembly inside of one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { NODE_HOST, readBundle } from '@sidegate/rego';
import { StartRefused } from '../../packages/sidegate/src/cli/start-finding.ts';
import { startBundleServer } from '../support/bundle-server.ts';
import { assertEngineRow, ENGINE_ROWS, REGO } from '../support/engine-table.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { createBundleSigner, packBundle, signFiles } from '../support/policy-bundle.ts';
import { until } from '../support/until.ts';
import { opaBinary, withoutOpa } from './opa-binary.ts';
import { startOpaRest } from './opa-rest.ts';

const skip = withoutOpa();
const PROXY = '  authz: { policy_query: data.order.allow }';
const WASM = 'policy: { engine: opa_wasm, path: /policy.tar.gz }';

/** What `opa build -t wasm` makes of a policy. */
function build(rego: string, entrypoint = 'order/allow'): Buffer {
  const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-wasm-'));
  try {
    const [policy, bundle] = [path.join(directory, 'order.rego'), path.join(directory, 'bundle.tar.gz')];
    writeFileSync(policy, rego);
    execFileSync(opaBinary() ?? '', ['build', '-t', 'wasm', '-e', entrypoint, '-o', bundle, policy], {
      stdio: 'ignore',
    });
    return readFileSync(bundle);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const startWasm = (bundle: Uint8Array): Promise<Ingress> =>
  startIngress({ proxy: PROXY, chapters: WASM, files: { '/policy.tar.gz': bundle } });

describe('equal answers to equal requests', { skip }, () => {
  for (const engine of ['opa_sidecar', 'opa_wasm'] as const) {
    describe(engine, () => {
      const started = new AsyncDisposableStack();
      let ingress: Ingress;
      before(async () => {
        if (engine === 'opa_wasm') {
          ingress = started.use(await startWasm(build(REGO)));
          return;
        }
        const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-opa-'));
        started.defer(() => rmSync(directory, { recursive: true }));
        const policy = path.join(directory, 'order.rego');
        writeFileSync(policy, REGO);
        const opa = started.use(await startOpaRest([policy]));
        const chapters = 'policy: { engine: opa_sidecar, opa: { url: "${OPA}", timeout: 5s } }';
        ingress = started.use(await startIngress({ proxy: PROXY, chapters, env: { OPA: opa.url } }));
      });
      after(() => started.disposeAsync());
      for (const row of ENGINE_ROWS) {
        test(`${row.title} is ${row.allowed ? 'allowed' : 'policy_denied'}`, () => assertEngineRow(ingress, row));
      }
    });
  }
});

describe('opa_sidecar', { skip }, () => {
  test('C-225 a policy that fails in the real OPA is policy_error, which no fallback hides', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-opa-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rmSync(directory, { recursive: true }));
    const policy = path.join(directory, 'order.rego');
    const conflict = 'allow := true if input.request.path\n\nallow := false if input.request.method';
    writeFileSync(policy, `package order\n\n${conflict}\n`);
    const opa = stack.use(await startOpaRest([policy]));
    const chapters = `policy:
  engine: opa_sidecar
  opa: { url: "\${OPA}", timeout: 5s }
  fallback: { engine: opa_embedded, path: /policies }`;
    const files = { '/policies/order.rego': 'package order\n\nallow := true\n' };
    const ingress = stack.use(await startIngress({ proxy: PROXY, chapters, files, env: { OPA: opa.url } }));
    await ingress.refused('policy_error', () => ingress.send({ target: '/orders' }));
  });
});

describe('opa_wasm', { skip }, () => {
  const rego = (body: string): string => `package order\n\nimport rego.v1\n\n${body}\n`;
  const ROWS = [
    ['an undefined rule', 'allow if input.request.path == "/elsewhere"', 'policy_undefined'],
    ['the text "true"', 'allow := "true"', 'policy_undefined'],
    [
      "http.send, which OPA's package does not have",
      'allow if http.send({"method": "GET", "url": "http://127.0.0.1:1"}).status_code == 200',
      'policy_error',
    ],
    ['a conflict', 'allow := true if input.request.path\n\nallow := false if input.request.method', 'policy_error'],
    [
      'a comprehension without end',
      'allow if count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a * b == -1]) == 0',
      'policy_timeout',
    ],
  ] as const;
  for (const [title, body, code] of ROWS) {
    test(`C-225 ${title}: ${code}, also the next time`, async () => {
      await using ingress = await startWasm(build(rego(body)));
      for (let i = 0; i < 2; i += 1) await ingress.refused(code, () => ingress.send({ target: '/orders' }));
    });
  }

  test('C-225 whoever waits behind a decision without end is decided all the same', async () => {
    const endless = 'count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a * b == -1]) == 0';
    const body = `allow if input.request.path == "/fine"\n\nallow if {\n\tinput.request.path == "/endless"\n\t${endless}\n}`;
    await using ingress = await startWasm(build(rego(body)));
    const targets = ['/endless', '/fine', '/other', '/fine'];
    const answers = await Promise.all(targets.map((target) => ingress.send({ target })));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [403, 200, 403, 200],
    );
  });

  test('a bundle server may serve it: a newer one takes its place, a broken one does not', async () => {
    const signer = createBundleSigner();
    const signed = (rego: string): Buffer => {
      const read = readBundle(build(rego), { host: NODE_HOST });
      assert.ok(read.ok && read.bundle.wasm !== undefined);
      return packBundle(signFiles({ 'policy.wasm': Buffer.from(read.bundle.wasm) }, signer));
    };
    const only = (target: string): string => rego(`allow if input.request.path == "${target}"`);
    await using server = await startBundleServer();
    server.serve(signed(only('/orders')));
    await using ingress = await startIngress({
      proxy: PROXY,
      chapters: `policy:
  engine: opa_wasm
  path: /policy.tar.gz
  bundle: { enabled: true, url: "\${BUNDLE}", polling_interval: 1s, keys: { default: { algorithm: ES256, key_file: /key } } }`,
      files: { '/key': signer.publicPem },
      env: { BUNDLE: server.url },
    });
    const statuses = () =>
      Promise.all(['/orders', '/next'].map(async (target) => (await ingress.send({ target })).status));
    assert.deepEqual(await statuses(), [200, 403]);
    server.serve(packBundle(signFiles({ 'policy.wasm': 'canary' }, signer)));
    await until(() => ingress.sidecar.log().includes('the last good one stays'), 5_000);
    assert.deepEqual(await statuses(), [200, 403]);
    server.serve(signed(only('/next')));
    await until(() => ingress.sidecar.log().includes('up to date again'), 5_000);
    assert.deepEqual(await statuses(), [403, 200]);
  });

  test('a bundle without WebAssembly, a broken one and one without the rule stop the start', async () => {
    const good = build(REGO);
    for (const [bundle, reason] of [
      [packBundle({ 'order.rego': REGO }), /has no policy\.wasm/],
      [packBundle({ 'policy.wasm': 'canary' }), /has a policy\.wasm that cannot be loaded/],
      [good.subarray(0, 200), /cannot be unpacked/],
      [build('package other\n\nallow := true', 'other/allow'), /has no entrypoint order\/allow/],
    ] as const) {
      await assert.rejects(startWasm(bundle), (error) => {
        assert.ok(error instanceof StartRefused);
        assert.match(error.message, reason);
        return true;
      });
    }
  });
});
