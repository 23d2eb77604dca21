/** The orchestrator of examples/tenant-deletion against the running platform: what it makes of each answer, and what the audit trail says afterwards. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { ask } from '../../examples/tenant-deletion/ask.ts';
import {
  DeletionOrchestrator,
  type DeletionRecord,
} from '../../examples/tenant-deletion/orchestrator/deletion-orchestrator.ts';
import { orchestratorCredentials } from '../../examples/tenant-deletion/orchestrator/service-token.ts';
import { ORCHESTRATOR, SERVICES } from '../../examples/tenant-deletion/services/topology.ts';
import { bearer, startTestPlatform, type TestPlatform } from '../support/tenant-platform.ts';

const TENANT = 'dbc2128a-7539-470c-94b9-c1e37031bd77';
const ROOT = path.join(import.meta.dirname, '../..');

const envFile = '/nowhere/.env';
const given = () => orchestratorCredentials({ envFile, env: { SERVICE_TOKEN: 'abc' } });

async function orchestratorOf(
  { platform, keys, ca, audit }: TestPlatform,
  changes: { readonly audit?: (record: DeletionRecord) => void } = {},
) {
  return new DeletionOrchestrator({
    credentials: await orchestratorCredentials({ envFile, env: { JWT_PRIVATE_KEY: keys.privateKey } }),
    targets: platform.names.map((service) => ({ service, url: `${platform.gateway}/api/v1/${service}` })),
    audit: changes.audit ?? ((record) => audit.write(record)),
    ca,
  });
}

describe('S1-080 what the orchestrator makes of an answer', () => {
  const ANSWERS = [
    [401, '{"code":"token_expired"}', { kind: 'unauthenticated', status: 401, code: 'token_expired' }],
    [403, '{"code":"service_required"}', { kind: 'forbidden', status: 403, code: 'service_required' }],
    [403, 'no json', { kind: 'forbidden', status: 403, code: undefined }],
    [500, '{"error":"it broke"}', { kind: 'failed', status: 500 }],
    [503, '', { kind: 'failed', status: 503 }],
    [502, '{"code":"upstream_unreachable"}', { kind: 'unreachable', code: 'upstream_unreachable' }],
    [404, '', { kind: 'unexpected', status: 404 }],
    [302, '', { kind: 'unexpected', status: 302 }],
    [200, 'deleted', { kind: 'unexpected', status: undefined }],
    [200, '{"tenant_id":"another","rows":{"orders":1}}', { kind: 'unexpected', status: 200 }],
    [200, `{"tenant_id":"${TENANT}","rows":{"orders":"many"}}`, { kind: 'unexpected', status: 200 }],
    [200, `{"tenant_id":"${TENANT}","rows":{"orders":1}}`, { kind: 'deleted', rows: { orders: 1 } }],
  ] as const;
  for (const [status, body, expected] of ANSWERS) {
    test(`${status} ${body.slice(0, 40)} is ${expected.kind}`, async () => {
      const asked: string[] = [];
      const server = createServer((request, response) => {
        asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
        response.writeHead(status).end(body);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const orchestrator = new DeletionOrchestrator({ credentials: await given(), targets: [], audit: () => {} });
      try {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/orders`;
        assert.deepEqual(await orchestrator.deleteServiceData(url, TENANT), expected);
        assert.deepEqual(
          asked,
          [`DELETE /api/v1/orders/tenant/${TENANT} Bearer abc`],
          'S1-079 one call, as it should be',
        );
      } finally {
        await orchestrator.close();
        server.closeAllConnections();
        server.close();
      }
    });
  }

  test('nobody listening is unreachable', async () => {
    const orchestrator = new DeletionOrchestrator({ credentials: await given(), targets: [], audit: () => {} });
    const outcome = await orchestrator.deleteServiceData('http://127.0.0.1:1/api/v1/orders', TENANT);
    assert.deepEqual(outcome, { kind: 'unreachable', code: 'upstream_unreachable' });
    await orchestrator.close();
  });
});

describe('S1-076 the settings of the orchestrator', () => {
  const tokenOf = async (env: Readonly<Record<string, string>>) => {
    const sent = await orchestratorCredentials({ envFile, env });
    const url = new URL('https://localhost/');
    return (await sent.authorize({ method: 'DELETE', url, headers: {}, body: undefined }))['authorization'] ?? '';
  };
  const secretKey = 'canary-secret-that-is-long-enough-for-hs256';

  for (const [title, env, reason] of [
    ['neither a token nor a key', {}, /SERVICE_TOKEN, or JWT_PRIVATE_KEY_FILE/],
    ['a secret without the word that it is HS256', { JWT_SECRET_KEY: secretKey }, /needs JWT_ALGORITHM=HS256/],
    ['HS256 without a secret', { JWT_ALGORITHM: 'HS256' }, /JWT_SECRET_KEY/],
    ['a secret that is too short', { JWT_ALGORITHM: 'HS256', JWT_SECRET_KEY: 'canary' }, /HS256 needs at least 32/],
    ['an algorithm that nobody knows', { JWT_ALGORITHM: 'none' }, /jwtAlgorithm.*must be one of/s],
    ['an empty token', { SERVICE_TOKEN: '' }, /serviceToken/],
    ['a key for another algorithm', { JWT_PRIVATE_KEY: ed25519(), JWT_ALGORITHM: 'RS256' }, /is for EdDSA/],
  ] as const) {
    test(`refuses ${title}, and shows no secret`, async () => {
      await assert.rejects(tokenOf(env), (error: Error) => {
        assert.doesNotMatch(error.message, /canary/);
        return reason.test(error.message);
      });
    });
  }

  test('S1-077 S1-127 takes SERVICE_TOKEN when it is set, even beside a key', async () => {
    assert.equal(await tokenOf({ SERVICE_TOKEN: 'abc', JWT_PRIVATE_KEY: ed25519() }), 'Bearer abc');
  });

  test('S1-072 takes TENANT_DELETION_ORCHESTRATOR_TOKEN from the environment or .env', async () => {
    assert.equal(await tokenOf({ TENANT_DELETION_ORCHESTRATOR_TOKEN: 'abc' }), 'Bearer abc');
    const directory = mkdtempSync(path.join(tmpdir(), 'tenant-deletion-'));
    const file = path.join(directory, '.env');
    writeFileSync(file, 'TENANT_DELETION_ORCHESTRATOR_TOKEN=from-env-file\n');
    const sent = await orchestratorCredentials({ envFile: file, env: {} });
    const request = { method: 'GET', url: new URL('https://localhost/'), headers: {}, body: undefined };
    assert.deepEqual(await sent.authorize(request), { authorization: 'Bearer from-env-file' });
    sent.close();
    rmSync(directory, { recursive: true });
  });

  test('S1-002 S1-078 makes its own token as tenant-deletion-orchestrator otherwise: for a day with a key, for a year with HS256', async () => {
    for (const [env, days, alg] of [
      [{ JWT_ALGORITHM: 'EdDSA', JWT_PRIVATE_KEY: ed25519() }, 1, 'EdDSA'],
      [{ JWT_ALGORITHM: 'HS256', JWT_SECRET_KEY: secretKey }, 365, 'HS256'],
    ] as const) {
      const token = (await tokenOf(env)).replace(/^Bearer /, '');
      const { service, type, iat = 0, exp = 0 } = decodeJwt(token);
      assert.deepEqual([service, type, (exp - iat) / 86_400], [ORCHESTRATOR, 'service', days]);
      assert.equal(decodeProtectedHeader(token).alg, alg);
    }
  });
});

function ed25519(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
}

test('nothing is deleted when the deletion cannot be recorded', async () => {
  await using started = await startTestPlatform([TENANT]);
  const orchestrator = await orchestratorOf(started, {
    audit: () => {
      throw new Error('the disk is full');
    },
  });
  await assert.rejects(orchestrator.deleteTenant({ tenantId: TENANT, requestedBy: 'alice' }), /the disk is full/);
  for (const [service, rows] of await orchestrator.preview(TENANT)) {
    assert.deepEqual(rows, SERVICES.find(({ name }) => name === service)?.rows);
  }
  await orchestrator.close();
});

test('S1-001 S1-078 S1-082 S1-109 S1-110 S1-111 S1-112 S1-113 S1-131 a deletion needs no user, and the audit trail says who deleted what of whom, and when', async () => {
  await using started = await startTestPlatform([TENANT, 'another-tenant']);
  const orchestrator = await orchestratorOf(started);
  const { services } = await orchestrator.deleteTenant({ tenantId: TENANT, requestedBy: 'alice@bakery.example' });
  assert.deepEqual(
    services.map(({ service, outcome }) => [service, outcome]),
    SERVICES.map(({ name, rows }) => [name, { kind: 'deleted', rows }]),
  );
  for (const rows of (await orchestrator.preview(TENANT)).values()) {
    assert.ok(
      Object.values(rows).every((count) => count === 0),
      'nothing of the tenant is left',
    );
  }
  for (const [service, rows] of await orchestrator.preview('another-tenant')) {
    assert.deepEqual(rows, SERVICES.find(({ name }) => name === service)?.rows, 'the other tenant has all of it');
  }
  await orchestrator.close();

  const records = started.audit.read();
  for (const { service: at, name, rows } of SERVICES) {
    const granted = records.find((each) => each['at'] === at && each['endpoint'] === 'delete_tenant_data');
    assert.deepEqual(
      [granted?.['level'], granted?.['message'], granted?.['service'], granted?.['tenant_id']],
      ['info', 'Service-only access granted', ORCHESTRATOR, TENANT],
    );
    const deleted = records.find((each) => each['at'] === at && each['event'] === 'tenant_data_deleted');
    assert.deepEqual([deleted?.['service'], deleted?.['tenant_id'], deleted?.['rows']], [ORCHESTRATOR, TENANT, rows]);
    const ordered = records.find((each) => each['service'] === name && each['outcome'] === 'deleted');
    assert.deepEqual([ordered?.['requested_by'], ordered?.['rows']], ['alice@bakery.example', rows]);
    for (const record of [granted, deleted, ordered]) {
      assert.match(String(record?.['timestamp']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
  }
});

test('S1-114 a refusal is recorded with service_only_access and its reason, and S1-099 no line holds a token', async () => {
  await using started = await startTestPlatform([TENANT]);
  const url = `${started.platform.directUrl('orders')}/tenant/${TENANT}`;
  await ask({ method: 'DELETE', url, headers: bearer(started.userToken) });
  await ask({ method: 'DELETE', url });
  const denied = started.audit.read().filter(({ decision }) => decision === 'deny');
  assert.deepEqual(
    denied.map(({ level, event, code, tenant_id: tenant }) => [level, event, code, tenant]),
    [
      ['warn', 'service_only_access', 'service_required', TENANT],
      ['warn', 'service_only_access', 'token_missing', TENANT],
    ],
  );
  for (const { reason } of denied) assert.ok(typeof reason === 'string' && reason !== '');
  const written = [readFileSync(started.audit.file, 'utf8'), ...started.gatewayLog, ...started.serviceLog].join('\n');
  assert.doesNotMatch(written, /eyJ/);
});

test('S1-086 a handler that breaks after its caller was let in is a 500 through the gateway too, and says nothing of its insides', async () => {
  await using started = await startTestPlatform([TENANT]);
  const fail = (): never => {
    throw new Error("cannot import name 'Order' from 'app.models.order'");
  };
  await started.platform.restart('orders', { store: { preview: fail, delete: fail } });
  for (const url of [`${started.platform.gateway}/api/v1/orders`, started.platform.directUrl('orders')]) {
    for (const [method, target] of [
      ['GET', `${url}/tenant/${TENANT}/deletion-preview`],
      ['DELETE', `${url}/tenant/${TENANT}`],
    ] as const) {
      const answer = await ask({ method, url: target, headers: bearer(started.serviceToken), ca: started.ca });
      assert.equal(answer.status, 500);
      assert.doesNotMatch(answer.body, /Order|import/);
    }
  }
  assert.match(started.serviceLog.join('\n'), /orders-service: cannot import name 'Order'/);
});

test('one command walks through all of it: three services fail, a retry asks those three, and everything is recorded', async () => {
  const state = mkdtempSync(path.join(tmpdir(), 'tenant-deletion-'));
  try {
    const script = path.join(ROOT, 'examples/tenant-deletion/main.ts');
    const output = await new Promise<string>((resolve, reject) => {
      execFile(
        process.execPath,
        ['--conditions=@sidegate/source', script, '--once', '--json', '--state', state],
        { env: { PATH: process.env['PATH'] } },
        (error, stdout, stderr) => (error === null ? resolve(stdout) : reject(new Error(`${stdout}${stderr}`))),
      );
    });
    const steps = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Step);
    assert.deepEqual(
      steps.map(({ step, ok }) => [step, ok]),
      ['who_gets_in', 'preview', 'deletion', 'retry', 'audit'].map((step) => [step, true]),
    );
    const [failed, repeated] = steps.flatMap(({ report }) => (report === undefined ? [] : [report.services]));
    const kinds = (services: Step['report']) =>
      Object.fromEntries(services?.services.map(({ service, outcome }) => [service, outcome.kind]) ?? []);
    assert.deepEqual(
      Object.entries(kinds(steps[2]?.report)).filter(([, kind]) => kind !== 'deleted'),
      [
        ['recipes', 'failed'],
        ['pos', 'forbidden'],
        ['forecasting', 'unreachable'],
      ],
    );
    assert.equal(failed?.length, 12);
    assert.deepEqual(
      repeated?.filter(({ attempt }) => attempt === 2).map(({ service, outcome }) => [service, outcome.kind]),
      [
        ['recipes', 'deleted'],
        ['pos', 'deleted'],
        ['forecasting', 'deleted'],
      ],
    );
  } finally {
    rmSync(state, { recursive: true });
  }
});

interface Step {
  readonly step: string;
  readonly ok: boolean;
  readonly report?: {
    readonly services: readonly {
      readonly service: string;
      readonly attempt: number;
      readonly outcome: { readonly kind: string };
    }[];
  };
}
