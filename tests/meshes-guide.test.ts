/** The guides to meshes and to the tokens of users: what they say, and that what they tell to type works. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTestAuthority } from './support/certificates.ts';
import { startTestSidecar, type TestSidecar } from './support/sidecar.ts';

const ROOT = path.join(import.meta.dirname, '..');
const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');
const written = read('docs/meshes.md');
const guide = written.replaceAll(/\s+/g, ' ');

const SAID: readonly (readonly [title: string, words: readonly RegExp[]])[] = [
  [
    'S0-10 Istio and Linkerd are options, and each pod has a certificate and an identity of its own',
    [
      /\| Istio \| Linkerd \| Sidegate alone \|/,
      /its own client certificate with a SPIFFE identity, by its service account: `spiffe:\/\/cluster\.local\/ns\/production\/sa\/order-service-prod`/,
      /its own certificate, by its service account: `order-service-prod\.production\.serviceaccount\.identity\.linkerd\.cluster\.local`/,
    ],
  ],
  [
    'S4-035 the mesh rotates certificates every day, and no app has code for it',
    [
      /istiod and the agent of the pod, every 24 hours by default/,
      /the identity controller, every 24 hours by default/,
      /The mesh rotates certificates; the app needs no code for it, and no restart/,
    ],
  ],
  [
    'S4-031 PERMISSIVE is for migration only',
    [/## PERMISSIVE is for migration only/, /so that services can move into the mesh/],
  ],
  [
    'S4-036 the guide to debugging has the commands of openssl and istioctl, and what a handshake costs',
    [
      /openssl s_client -connect/,
      /openssl x509 -in/,
      /openssl verify -CAfile/,
      /`istioctl proxy-config secret /,
      /`istioctl proxy-status`/,
      /`istioctl analyze /,
      /A mutual TLS handshake is made once for a connection, and takes about 1 to 5 ms/,
    ],
  ],
];
for (const [title, words] of SAID) {
  test(title, () => {
    for (const expected of words) assert.match(guide, expected);
  });
}

interface Finding {
  readonly ours: { readonly median: number };
  readonly theirs: { readonly median: number };
}

test('S4-036 the cost of a handshake in the guide is the measured one', () => {
  const [, ours, theirs, file = ''] =
    /Ours costs ([\d.]+) ms of CPU with a request in it \(nginx: ([\d.]+) ms, .*?\[`bench\/results\/([\w-]+)\.md`\]/.exec(
      guide,
    ) ?? [];
  const { report } = JSON.parse(read(`bench/results/${file}.json`)) as { report: { findings: readonly Finding[] } };
  const [measured] = report.findings;
  assert.ok(measured);
  const ms = ({ median }: Finding['ours']): string => (median / 1_000).toFixed(1);
  assert.deepEqual([ours, theirs], [ms(measured.ours), ms(measured.theirs)]);
});

test('S0-70 the tokens of users have a page of their own, which keeps them apart from those of services', () => {
  const page = read('docs/user-tokens.md').replaceAll(/\s+/g, ' ');
  for (const statement of [
    /in a cookie of the backend: `HttpOnly`, `Secure`, `SameSite=Strict`/,
    /The refresh token is rotated: each use gives the next one and ends the one before/,
    /No token in `localStorage`/,
    /A token of a service never reaches a browser/,
  ]) {
    assert.match(page, statement);
  }
});

describe('S4-036 what the guide tells to type', { skip: spawnSync('openssl', ['version']).error !== undefined }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sidegate-meshes-'));
  const authority = createTestAuthority('mesh-ca');
  const server = authority.issue({ dns: ['order-service.production'], eku: ['serverAuth'] });
  const client = authority.issue({ uris: ['spiffe://cluster.local/ns/production/sa/order-service-prod'] });
  let sidecar: TestSidecar;

  before(async () => {
    writeFileSync(path.join(folder, 'ca.crt'), authority.certPem);
    writeFileSync(path.join(folder, 'client.crt'), client.certPem);
    writeFileSync(path.join(folder, 'client.key'), client.keyPem, { mode: 0o600 });
    sidecar = await startTestSidecar({
      files: {
        '/tls.crt': server.certPem,
        '/tls.key': server.keyPem,
        '/ca.crt': authority.certPem,
        '/p.rego': 'package a\nallow := true',
      },
      yaml: `service: { name: order-service }
http: { addr: "127.0.0.1:0", tls: { enabled: true, cert_file: /tls.crt, key_file: /tls.key, client_ca_file: /ca.crt, client_auth: require } }
proxy: { enabled: true, auth: { enabled: false }, authz: { enabled: false } }
`,
    });
  });
  after(async () => {
    await sidecar[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  function type(command: string): Promise<{ readonly status: number | null; readonly output: string }> {
    const env = { ...process.env, ADDRESS: `127.0.0.1:${sidecar.ingressPort}`, NAME: 'order-service.production' };
    return run(command, { cwd: folder, env });
  }
  const commands = [...written.matchAll(/^openssl .*$/gm)].map(([line]) => line);

  test('does what it says: a verified handshake, the names, the chain, one key', async () => {
    assert.equal(commands.length, 5);
    const outputs: string[] = [];
    for (const command of commands) {
      const { status, output } = await type(command);
      assert.equal(status, 0, `${command}\n${output}`);
      outputs.push(output);
    }
    const [handshake = '', names = '', chain = '', inCertificate, inKey] = outputs;
    assert.match(handshake, /Verification: OK/);
    assert.match(names, /URI:spiffe:\/\/cluster\.local\/ns\/production\/sa\/order-service-prod/);
    assert.match(chain, /client\.crt: OK/);
    assert.equal(inCertificate, inKey);
  });

  test('tells whoever has no certificate that one is required', async () => {
    const [command = ''] = commands;
    const asking = command.replace('-cert client.crt -key client.key ', '').replace('-brief </dev/null', '-ign_eof');
    const request = String.raw`GET / HTTP/1.1\r\nHost: order-service.production\r\n\r\n`;
    const { output } = await type(`printf '${request}' | ${asking}`);
    assert.match(output, /alert certificate required/);
    assert.doesNotMatch(output, /HTTP\/1\.1/);
  });
});

/** Beside this process, which answers. */
async function run(
  command: string,
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<{ readonly status: number | null; readonly output: string }> {
  const child = spawn('/bin/sh', ['-c', command], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, output };
}
