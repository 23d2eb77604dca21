/** A lab that stays up: the lines it prints work when pasted, and however it ends, nothing of it stays behind. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { call } from '../../packages/sidegate/src/lab/caller.ts';
import type { LabEvent, ProcessEvent } from '../../packages/sidegate/src/lab/event.ts';
import { startProcess } from '../../packages/sidegate/src/lab/process.ts';
import { describe, tokenIn } from '../../packages/sidegate/src/lab/running-lab.ts';
import { alive, LAB, startLab, upOnce } from '../support/lab-run.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const missing = ['curl', 'jq'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
const tools = { skip: missing.length > 0 && process.env['CI'] !== 'true' && `no ${missing.join(' and no ')} here` };

const PROFILE = { user_id: 'user-123', email: 'john@example.com', roles: ['customer', 'orders:create'] };

test(
  'S3-032 S3-167 S3-214 S3-215 S3-216 the printed lines work in a shell, and Ctrl-C leaves no process behind',
  tools,
  async () => {
    await using lab = startLab(LAB);
    const output = await lab.until(/Ctrl-C stops everything/);
    const pasted = await pasteAll(output);
    assert.deepEqual(
      pasted.map(({ title, status }) => [title, status]),
      [
        ['where everything is', undefined],
        ['john signs in', undefined],
        ['and orders: 201', '201'],
        ["what the gateway's own app knows of john: 200", '200'],
        ['what the app of order-service does: 200', '200'],
        ["the user's token at data-service, without a certificate: the handshake fails", undefined],
        ['the same with the certificate of payment-service: 401', '401'],
        ['payment-service writes an order: 403', '403'],
      ],
    );
    // Injected from the token's claims, nested ones as well.
    assert.deepEqual(JSON.parse(pasted[3]?.body ?? ''), PROFILE);

    const children = childrenOf(lab.child.pid);
    assert.equal(children.length, 9);
    lab.child.kill('SIGINT');
    const [exitCode] = (await once(lab.child, 'close')) as [number];
    assert.equal(exitCode, 0);
    assert.deepEqual(children.filter(alive), []);
  },
);

test('a lab that is killed takes its processes with it', async () => {
  await using lab = startLab(LAB, '--json');
  const output = await lab.until(/"event":"hop"/);
  const events = output.split('\n').flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as LabEvent] : []));
  const pids = events.flatMap((event) => (event.event === 'process' ? [event.pid] : []));
  assert.equal(pids.filter(alive).length, 9);
  lab.child.kill('SIGKILL');
  await once(lab.child, 'close');
  while (pids.some(alive)) await new Promise((later) => setTimeout(later, 50));
});

test('a lab that stays up', async (t) => {
  await using lab = startLab(LAB, '--json');
  const output = await lab.until(/"event":"summary"/);
  const events = output.split('\n').flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as LabEvent] : []));
  const processes = events.flatMap((event) => (event.event === 'process' ? [event] : []));
  const started = (name: string): ProcessEvent => {
    const found = processes.find((event) => event.name === name);
    assert.ok(found, name);
    return found;
  };

  await t.test('S3-110 the gateway serves users by plain HTTP too, where TLS ends before it', async () => {
    const [storefront, keycloak] = [started('app-storefront').addresses[0], started('keycloak').addresses[0]];
    const [, address = '', port = ''] = /^https:\/\/([\d.]+):(\d+)$/.exec(keycloak ?? '') ?? [];
    const connectTo = new Map([['keycloak.example.com:443', { address, port: Number(port) }]]);
    const certificates = path.join(lab.state, 'etc/certs');
    const gateway = startProcess({
      name: 'plain-gateway',
      node: [process.execPath, '--conditions=@sidegate/source'],
      args: [
        path.join(ROOT, 'packages/sidegate/src/cli/main.ts'),
        'sidecar',
        `--config=${path.join(LAB, 'gateway.yaml')}`,
        `--root=${lab.state}`,
        `--connect-to=keycloak.example.com:443=${address}:${port}`,
      ],
      env: {
        AUTHZ_HTTP_TLS_ENABLED: 'false',
        AUTHZ_HTTP_ADDR: '127.0.0.1:0',
        AUTHZ_EGRESS_ADDR: '127.0.0.1:0',
        AUTHZ_PROXY_UPSTREAM_URL: `http://${storefront}`,
        NODE_EXTRA_CA_CERTS: path.join(certificates, 'ca/keycloak-ca.crt'),
      },
      cwd: ROOT,
      logFile: path.join(lab.state, 'var/log/plain-gateway.log'),
    });
    try {
      await gateway.event('ready', 20_000);
      const { ingress } = await gateway.event('listening', 20_000);
      const options = { connectTo, certificates, serverAuthority: 'keycloak' };
      const secrets = JSON.parse(readFileSync(path.join(lab.state, 'secrets.json'), 'utf8')) as Record<string, string>;
      const password = secrets['LAB_PASSWORD_JOHN'] ?? '';
      const form = { grant_type: 'password', client_id: 'web-app', username: 'john', password };
      const url = 'https://keycloak.example.com/realms/users/protocol/openid-connect/token';
      const token = tokenIn(await call({ method: 'POST', url, body: new URLSearchParams(form) }, options));

      const profile = { method: 'GET', url: `http://${String(ingress)}/api/v1/profile` } as const;
      assert.equal(describe(await call(profile, options)), '401 token_missing');
      const answer = await call({ ...profile, token }, options);
      assert.deepEqual(answer.kind === 'answer' && answer.body, PROFILE);
    } finally {
      await gateway.stop(3_000);
    }
  });

  await t.test('keeps its state to itself: a second one there is refused, exit 78', async () => {
    await using second = await upOnce(LAB, '--state', lab.state);
    assert.match(second.stdout, /another lab is running here/);
    assert.equal(second.exitCode, 78);
  });

  await t.test('ends, exit 1, when one of its processes dies, and takes the others with it', async () => {
    process.kill(started('order-service').pid, 'SIGKILL');
    const [exitCode] = (await once(lab.child, 'close')) as [number];
    assert.equal(exitCode, 1);
    const left = processes.filter(({ pid }) => alive(pid)).map(({ name }) => name);
    assert.deepEqual(left, []);
  });
});

interface Pasted {
  /** The comment above the command. */
  readonly title: string;
  /** Undefined when there was no answer. */
  readonly status: string | undefined;
  readonly body: string;
}

/** Pastes the block after the last result into one shell. */
async function pasteAll(output: string): Promise<Pasted[]> {
  const block = output.slice(output.indexOf('\n# ') + 1, output.indexOf('Ctrl-C stops everything'));
  const script = block
    .replaceAll(/^# (.*)$/gm, (_, title: string) => `echo; echo ${JSON.stringify(`# ${title}`)}`)
    .replaceAll('curl -i', 'curl -s -i');
  const shell = spawn('bash', ['-c', script], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  return (await text(shell.stdout))
    .split(/^# /m)
    .slice(1)
    .map((part) => {
      const [title = '', ...rest] = part.split('\n');
      const answer = rest.join('\n');
      const status = /^HTTP\/1\.1 (\d+)/m.exec(answer)?.[1];
      return { title, status, body: answer.slice(answer.indexOf('\r\n\r\n')).trim() };
    });
}

function childrenOf(pid: number | undefined): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map(Number)
    .filter((child) => child > 0);
}
