/** SPIRE's files as they are written, and a script that registers what it says with any release. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';

const MAIN = path.join(import.meta.dirname, 'main.ts');
const LAB = path.resolve(import.meta.dirname, '../../../../examples/three-zones');
const folder = mkdtempSync(path.join(tmpdir(), 'sidegate-generate-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function generate(...args: readonly string[]) {
  const command = ['--conditions=@sidegate/source', MAIN, 'generate', 'spire', ...args];
  return spawnSync(process.execPath, command, { encoding: 'utf8', cwd: folder });
}

const ACME = ['--trust-domain', 'acme.com', '--service', 'order-service', '--out', folder];

describe('nothing is written', () => {
  for (const [title, args, status] of [
    ['without a topology', [], 78],
    ['without a trust domain', ['--service', 'order-service'], 78],
    ['for a lab.yaml that is not there', ['nowhere.yaml'], 78],
    ['for a trust domain in upper case', ['--trust-domain', 'ACME', '--service', 'a'], 64],
    ['for a service that a shell would take apart', ['--trust-domain', 'acme.com', '--service', 'a;reboot'], 64],
    ['for a namespace with a line break', [...ACME, '--namespace', 'a\nb'], 64],
    ['for a server whose name ends a string', [...ACME, '--server-address', 'a"b'], 64],
    ['for a port that is none', [...ACME, '--server-port', '0'], 64],
    ['for certificates that live a week', [...ACME, '--ttl-seconds', '604800'], 64],
  ] as const) {
    test(title, () => {
      const { status: code, stdout, stderr } = generate(...args);
      assert.deepEqual([code, stdout], [status, '']);
      assert.notEqual(stderr, '');
    });
  }
});

/** A server that writes down how it was called, and knows the flags that it is told. */
function register(script: string, help: string): readonly (readonly string[])[] {
  const bin = mkdtempSync(path.join(folder, 'bin-'));
  const log = path.join(bin, 'log');
  const server = `#!/bin/sh\nif [ "$3" = -h ]; then echo "${help}" >&2; exit 1; fi\nprintf '%s\\n' "$@" END >> ${log}\n`;
  writeFileSync(path.join(bin, 'spire-server'), server);
  chmodSync(path.join(bin, 'spire-server'), 0o755);
  execFileSync('/bin/sh', [script], { env: { PATH: `${bin}:${process.env['PATH']}` } });
  return readFileSync(log, 'utf8')
    .split('END\n')
    .filter((call) => call !== '')
    .map((call) => call.trimEnd().split('\n'));
}

test('S4-085 S4-086 the agent of a node of a cluster', () => {
  assert.equal(generate(...ACME).status, 0);
  const lines = readFileSync(path.join(folder, 'spire-agent.conf'), 'utf8')
    .split('\n')
    .map((line) => line.trim());
  for (const line of [
    'data_dir = "/var/lib/spire/agent"',
    'log_level = "INFO"',
    'trust_domain = "acme.com"',
    'server_address = "spire-server.spire.svc.cluster.local"',
    'server_port = 8081',
    'KeyManager "disk" {',
    'directory = "/var/lib/spire/agent/keys"',
    'NodeAttestor "k8s_psat" {',
    'cluster = "production-cluster"',
    'WorkloadAttestor "k8s" {',
    'skip_kubelet_verification = false',
  ]) {
    assert.equal(lines.filter((each) => each === line).length, 1, line);
  }
});

test('what was written, or why nothing was, is told as JSON where that is asked for', () => {
  const files = ['spire-agent.conf', 'register-entries.sh'].map((name) => path.join(folder, name));
  assert.deepEqual(JSON.parse(generate(...ACME, '--json').stdout), { ok: true, files });
  const { findings } = JSON.parse(generate('--json').stdout) as { readonly findings: readonly unknown[] };
  assert.equal(findings.length, 1);
});

test('S4-087 a workload is registered by namespace and service account, with every release of the server', () => {
  assert.equal(generate(...ACME).status, 0);
  const script = path.join(folder, 'register-entries.sh');
  assert.equal(statSync(script).mode & 0o111, 0o111);
  const entry = [
    ['entry', 'create'],
    ['-spiffeID', 'spiffe://acme.com/ns/production/sa/order-service'],
    ['-parentID', 'spiffe://acme.com/spire/agent/k8s_psat/production-cluster/node1'],
    ['-selector', 'k8s:ns:production'],
    ['-selector', 'k8s:sa:order-service'],
  ].flat();
  assert.deepEqual(register(script, '-ttl int'), [[...entry, '-ttl', '3600']]);
  assert.deepEqual(register(script, '-x509SVIDTTL int'), [[...entry, '-x509SVIDTTL', '3600']]);
});

test('the services of a lab.yaml are registered with their host names', () => {
  assert.equal(generate(LAB, '--out', folder, '--namespace', 'lab').status, 0);
  const calls = register(path.join(folder, 'register-entries.sh'), '-ttl');
  assert.deepEqual(
    calls.map((call) => [call[3], call[call.indexOf('-dns') + 1]]),
    [
      ['api-gateway', 'api-gateway.zone1.local'],
      ['order-service', 'order-service.zone2.local'],
      ['payment-service', 'payment-service.zone2.local'],
      ['data-service', 'data-service.zone3.local'],
    ].map(([name, host]) => [`spiffe://example.org/ns/lab/sa/${name}`, host]),
  );
});
