/** The scripts of examples/tenant-deletion as somebody runs them: bash, curl, the sidegate command, and kubectl without a cluster. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { ask } from '../../examples/tenant-deletion/ask.ts';
import { SERVICES } from '../../examples/tenant-deletion/services/topology.ts';
import { readYaml } from '../../packages/sidegate/src/config/yaml-source.ts';
import { bearer, startTestPlatform, type TestPlatform } from '../support/tenant-platform.ts';

const EXAMPLE = path.join(import.meta.dirname, '../../examples/tenant-deletion');
const SIDEGATE = `${process.execPath} --conditions=@sidegate/source ${path.join(EXAMPLE, '../../packages/sidegate/src/cli/main.ts')}`;
const TENANT = 'dbc2128a-7539-470c-94b9-c1e37031bd77';
const NAMES = SERVICES.map(({ name }) => name);

let started: TestPlatform;
let env: Readonly<Record<string, string>>;
before(async () => {
  started = await startTestPlatform([TENANT, 'test-tenant-id']);
  const key = path.join(started.directory, 'signing-key.pem');
  writeFileSync(key, started.keys.privateKey, { mode: 0o600 });
  env = { PATH: process.env['PATH'] ?? '', JWT_PRIVATE_KEY_FILE: key, SIDEGATE };
});
after(() => started[Symbol.asyncDispose]());

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, args: readonly string[], variables: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(file, [...args], { env: variables, cwd: started.directory }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ status, stdout, stderr });
    });
  });
}

const smoke = (variables: Readonly<Record<string, string>>) =>
  run(path.join(EXAMPLE, 'smoke.sh'), [], { ...env, ...variables });

describe('the smoke test', () => {
  test('S1-092 401, 403, 500, a redirect and no answer are failures, each of them alone', async () => {
    const answers: Record<string, number> = {};
    const authorizations = new Set<string | undefined>();
    const server = createServer((request, response) => {
      authorizations.add(request.headers.authorization);
      const [, service = ''] =
        /^\/api\/v1\/([a-z-]+)\/tenant\/test-tenant-id\/deletion-preview$/.exec(request.url ?? '') ?? [];
      const status = answers[service] ?? 200;
      if (status === 0) response.destroy();
      else response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const gateway = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      Object.assign(answers, { orders: 401, inventory: 403, recipes: 500, sales: 0, production: 302 });
      const { status, stdout } = await smoke({ GATEWAY: gateway });
      assert.equal(status, 1);
      assert.deepEqual(stdout.split('\n').slice(0, 7), [
        'Testing service token authentication...',
        'Testing orders... ❌ FAILED (Unauthorized)',
        'Testing inventory... ❌ FAILED (Forbidden)',
        'Testing recipes... ❌ FAILED (Status: 500)',
        'Testing sales... ❌ FAILED (No answer)',
        'Testing production... ❌ FAILED (Status: 302)',
        'Testing suppliers... ✅ PASSED (Status: 200)',
      ]);
      for (const authorization of authorizations) {
        const { service, type } = decodeJwt(authorization?.replace(/^Bearer /, '') ?? '');
        assert.deepEqual([service, type], ['tenant-deletion-orchestrator', 'service']);
      }
      for (const alone of [401, 403, 500, 0]) {
        for (const name of NAMES) answers[name] = name === 'notification' ? alone : 200;
        // Whatever this prints, the server does not look at it.
        assert.equal((await smoke({ GATEWAY: gateway, SIDEGATE: 'echo' })).status, 1, String(alone));
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('no token, no test: it fails when none can be issued', async () => {
    const { status, stdout, stderr } = await smoke({
      JWT_PRIVATE_KEY_FILE: '/nowhere',
      GATEWAY: 'https://127.0.0.1:1',
    });
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /no token was issued/);
  });

  test('S1-071 S1-087 S1-088 S1-089 S1-090 S1-091 twelve services let a token of the command in, through the gateway', async () => {
    const before = started.audit.read().length;
    const { status, stdout, stderr } = await smoke({ GATEWAY: started.platform.gateway });
    assert.equal(status, 0, stdout + stderr);
    const lines = NAMES.map((name) => `Testing ${name}... ✅ PASSED (Status: 200)`);
    assert.equal(stdout, `${['Testing service token authentication...', ...lines].join('\n')}\n`);
    const records = started.audit.read().slice(before);
    assert.deepEqual(
      records.map(({ at, message, tenant_id: tenant }) => [at, message, tenant]),
      SERVICES.map(({ service }) => [service, 'Service-only access granted', 'test-tenant-id']),
    );
    assert.match(started.gatewayLog.join('\n'), /Service authentication.*tenant-deletion-orchestrator/);
  });
});

test('S1-085 by hand: a token of the command, exported, previews and deletes through the gateway, and reaches the service directly', async () => {
  const issue = `${SIDEGATE} token issue tenant-deletion-orchestrator`;
  const call = 'curl -k -s -w " %{http_code}" -H "Authorization: Bearer $SERVICE_TOKEN"';
  const orders = `${started.platform.gateway}/api/v1/orders/tenant/${TENANT}`;
  const rows = (count: number) => ({ orders: count === 0 ? 0 : 120, order_items: count === 0 ? 0 : 431 });
  const steps = await run(
    'bash',
    [
      '-c',
      `set -e
      export SERVICE_TOKEN="$(${issue} --output raw)"
      ${call} "${orders}/deletion-preview"; echo
      ${call} -X DELETE "${orders}"; echo
      ${call} "${started.platform.directUrl('orders')}/tenant/${TENANT}/deletion-preview"`,
    ],
    env,
  );
  const answers = steps.stdout.split('\n').map((line) => {
    const [, body = 'null', status] = /^(.*) (\d{3})$/.exec(line) ?? [];
    return [Number(status), (JSON.parse(body) as { readonly rows?: unknown } | null)?.rows];
  });
  assert.deepEqual(
    answers,
    [
      [200, rows(1)],
      [200, rows(1)],
      [200, rows(0)],
    ],
    steps.stderr,
  );
});

test('S1-073 fetch deletes at the service itself with the token, and gets JSON', async () => {
  const response = await fetch(`${started.platform.directUrl('sales')}/tenant/${TENANT}`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${started.serviceToken}` },
  });
  assert.deepEqual(await response.json(), { service: 'sales', tenant_id: TENANT, rows: { sales: 2_310 } });
});

describe('in a cluster', () => {
  const manifest = (name: string) => parse(readFileSync(path.join(EXAMPLE, 'kubernetes', name), 'utf8'));
  const kubectl = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' }).status === 0;
  const skip = kubectl ? false : 'there is no kubectl';

  test('S1-075 S1-097 S1-127 the deployment takes SERVICE_TOKEN from the secret, and holds no token', () => {
    const { apiVersion, kind, metadata, spec } = manifest('orchestrator.yaml');
    assert.deepEqual([apiVersion, kind, metadata.name], ['apps/v1', 'Deployment', 'tenant-deletion-orchestrator']);
    const [container, ...others] = spec.template?.spec.containers ?? [];
    assert.deepEqual([container?.name, others], ['orchestrator', []]);
    assert.deepEqual(container?.env, [
      { name: 'SERVICE_TOKEN', valueFrom: { secretKeyRef: { name: 'service-tokens', key: 'orchestrator-token' } } },
    ]);
    assert.deepEqual(spec.selector?.matchLabels, spec.template?.metadata.labels);
  });

  test('nobody but the gateway and the orchestrator reaches the services', () => {
    const { kind, metadata, spec } = manifest('network-policy.yaml');
    assert.deepEqual([kind, metadata.namespace, spec.policyTypes], ['NetworkPolicy', 'bakery-ia', ['Ingress']]);
    const from = spec.ingress?.flatMap((rule) => rule.from.map((each) => each.podSelector.matchLabels['app']));
    assert.deepEqual(from, ['gateway', 'tenant-deletion-orchestrator']);
  });

  /** kubectl with nothing behind it: what would reach the cluster is written down instead. */
  function offline(): Offline {
    const bin = path.join(started.directory, `bin-${Math.random()}`);
    mkdirSync(bin);
    const real = spawnSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' }).stdout.trim();
    const script = `#!/usr/bin/env bash
echo "$*" >> "${bin}/calls"
case $1 in
  create) if [[ "$*" == *--dry-run=client* ]]; then exec ${real} "$@"; else exec ${real} "$@" --dry-run=client -o yaml; fi ;;
  apply) cat > "${bin}/applied.yaml" ;;
esac
`;
    writeFileSync(path.join(bin, 'kubectl'), script);
    chmodSync(path.join(bin, 'kubectl'), 0o755);
    return {
      variables: { ...env, PATH: `${bin}:${env['PATH']}` },
      // The two ends of a pipe start at once.
      calls: () =>
        readFileSync(path.join(bin, 'calls'), 'utf8')
          .trim()
          .split('\n')
          .sort((one, other) => one.localeCompare(other)),
      applied: () => tokenIn(readFileSync(path.join(bin, 'applied.yaml'), 'utf8')),
    };
  }

  const tokenIn = (yaml: string): string => {
    const { metadata, data } = parse(yaml);
    assert.equal(metadata.name, 'service-tokens');
    return Buffer.from(data?.['orchestrator-token'] ?? '', 'base64').toString('utf8');
  };
  const preview = (token: string) =>
    ask({
      method: 'GET',
      url: `${started.platform.directUrl('pos')}/tenant/${TENANT}/deletion-preview`,
      headers: bearer(token),
    });

  test('S1-095 S1-100 S1-102 S1-129 a rotation: a new token in the secret, then a restart; both tokens are good', {
    skip,
  }, async () => {
    const { variables, calls, applied } = offline();
    const script = path.join(EXAMPLE, 'kubernetes/rotate-token.sh');
    const ran = await run('bash', [script, 'tenant-deletion-orchestrator'], variables);
    assert.equal(ran.status, 0, ran.stderr);
    assert.doesNotMatch(ran.stdout + ran.stderr, /eyJ/);
    assert.deepEqual(calls(), [
      'apply -f -',
      'create secret generic service-tokens --from-file=orchestrator-token=/dev/stdin -n bakery-ia --dry-run=client -o yaml',
      'rollout restart deployment tenant-deletion-orchestrator -n bakery-ia',
    ]);
    const token = applied();
    const { iat = 0, exp = 0 } = decodeJwt(token);
    assert.equal(exp - iat, 86_400, 'a day, unless more is asked for');
    for (const each of [token, started.serviceToken]) assert.equal((await preview(each)).status, 200);
  });

  test('no new token, no new secret: a rotation that fails changes nothing', { skip }, async () => {
    const { variables } = offline();
    const script = path.join(EXAMPLE, 'kubernetes/rotate-token.sh');
    for (const [args, changed] of [
      [['mallory'], {}],
      [['tenant-deletion-orchestrator'], { JWT_PRIVATE_KEY_FILE: '/nowhere' }],
      [[], {}],
    ] as const) {
      assert.notEqual((await run('bash', [script, ...args], { ...variables, ...changed })).status, 0);
    }
    const bin = variables['PATH']?.split(':')[0] ?? '';
    assert.throws(() => readFileSync(path.join(bin, 'calls')), /ENOENT/);
  });

  test('S1-074 S1-100 S1-101 S1-102 S1-125 the commands of the guide make a secret with a token that works', {
    skip,
  }, async () => {
    const guide = readFileSync(path.join(EXAMPLE, 'kubernetes/README.md'), 'utf8');
    const [literal = '', fromFile = '', , byHand = ''] = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(
      ([, code]) => code,
    );
    const { variables, calls, applied } = offline();
    const inBash = async (code: string) => {
      const commands = code.replaceAll('sidegate ', '$SIDEGATE ');
      const ran = await run('bash', ['-ec', commands], { ...variables, SERVICE_TOKEN: 'abc', NEW_TOKEN: 'def' });
      assert.equal(ran.status, 0, ran.stderr);
      return ran.stdout;
    };
    assert.equal(tokenIn(await inBash(literal)), 'abc');
    const issued = tokenIn(await inBash(fromFile));
    assert.equal((await preview(issued)).status, 200, 'not even a line break too much');
    await inBash(byHand);
    const create = 'create secret generic service-tokens';
    assert.deepEqual(calls(), [
      'apply -f -',
      `${create} --from-file=orchestrator-token=orchestrator-token.txt -n bakery-ia`,
      `${create} --from-literal=orchestrator-token=abc -n bakery-ia`,
      `${create} --from-literal=orchestrator-token=def --dry-run=client -o yaml`,
      'rollout restart deployment tenant-deletion-orchestrator -n bakery-ia',
    ]);
    assert.equal(applied(), 'def');
  });
});

function parse(text: string): Manifest {
  const { value, diagnostics } = readYaml(text, 'manifest.yaml');
  assert.deepEqual(diagnostics, []);
  return value as Manifest;
}

interface Offline {
  readonly variables: Readonly<Record<string, string>>;
  /** The command lines, in order of the alphabet. */
  readonly calls: () => readonly string[];
  /** The token in the secret that was applied. */
  readonly applied: () => string;
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template?: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly { readonly name: string; readonly env: unknown }[] };
    };
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly {
      readonly from: readonly { readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> } }[];
    }[];
  };
}
