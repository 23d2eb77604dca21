/** Every way in which a service token is not accepted, built from real servers, and what `sidegate doctor` says of it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ExpressGuards, expressGuards } from '@sidegate/sdk/express';
import { type Authenticator, type ErrorFormat, serviceAuth } from '@sidegate/sdk/server';
import { JWTHandler, platformTokens, readSigningKey } from '@sidegate/sdk/service-tokens';
import express, { type RequestHandler } from 'express';
import { createPlatformKeys, signingHandler, verifyingHandler } from '../../examples/tenant-deletion/auth-service.ts';
import { ORCHESTRATOR } from '../../examples/tenant-deletion/services/topology.ts';
import { doctorCommand } from '../../packages/sidegate/src/cli/doctor.ts';
import { DOCTOR_CASES, type DoctorCase } from '../../packages/sidegate/src/cli/doctor-cases.ts';
import type { Terminal } from '../../packages/sidegate/src/cli/terminal.ts';
import { type Hop, startHop, withoutAuthorization } from '../support/hop.ts';
import { startTestPlatform, type TestPlatform } from '../support/tenant-platform.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const TENANT = 'dbc2128a-7539-470c-94b9-c1e37031bd77';
const PREVIEW = `/api/v1/orders/tenant/${TENANT}/deletion-preview`;
const SECRET = 'canary-secret-that-is-long-enough-for-hs256';

let started: TestPlatform;
let publicKeys: string;
before(async () => {
  started = await startTestPlatform([TENANT]);
  publicKeys = file('public.pem', started.keys.publicKey);
});
after(() => started[Symbol.asyncDispose]());

function file(name: string, text: string): string {
  const at = path.join(started.directory, name);
  writeFileSync(at, text);
  return at;
}

interface Told {
  readonly exit: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

async function doctor(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Told> {
  const told = { exit: undefined as number | undefined, stdout: '', stderr: '' };
  const terminal: Terminal = {
    env: { SERVICE_TOKEN: started.serviceToken, ...env },
    isTerminal: false,
    out: (text) => void (told.stdout += text),
    err: (text) => void (told.stderr += text),
    input: () => '',
    exit: (code) => void (told.exit = code),
  };
  const ca = file('ca.pem', started.ca);
  await doctorCommand(terminal)
    .exitOverride()
    .parseAsync(['node', 'doctor', '--json', '--ca', ca, ...args]);
  return told;
}

const tried = new Set<string>();

interface Expected {
  readonly finds: readonly DoctorCase[];
  readonly evidence?: RegExp;
}

/** The findings of a run, which must be these and no others. */
function assertFound({ exit, stdout, stderr }: Told, { finds, evidence }: Expected): void {
  assert.equal(stderr, '');
  const report = JSON.parse(stdout) as {
    readonly ok: boolean;
    readonly findings: readonly { readonly case: string; readonly evidence: string; readonly remedy: string }[];
  };
  assert.deepEqual(
    report.findings.map((each) => each.case),
    finds,
    stdout,
  );
  assert.deepEqual([exit, report.ok], finds.length === 0 ? [0, true] : [1, false]);
  if (evidence !== undefined) assert.match(report.findings.map((each) => each.evidence).join('\n'), evidence);
  assert.doesNotMatch(stdout, /eyJ|canary/, 'neither a token nor a secret is printed');
  for (const found of finds) tried.add(found);
}

const direct = () => `${started.platform.directUrl('orders').replace('/api/v1/orders', '')}${PREVIEW}`;
const gateway = () => `${started.platform.gateway}${PREVIEW}`;

/** A service of one route, guarded by whatever stands before its handler. */
async function startVariant(
  guardOf: (guards: ExpressGuards) => RequestHandler,
  authenticator: Authenticator = platformTokens({ tokens: verifyingHandler(started.keys) }),
  errors: ErrorFormat = 'problem',
): Promise<Hop & { readonly url: string; readonly log: string[] }> {
  const log: string[] = [];
  const auth = serviceAuth({
    service: 'orders-service',
    authenticator,
    errors,
    audit: (line) => log.push(JSON.stringify(line)),
  });
  const guards = expressGuards(auth);
  const app = express().get(
    '/api/v1/orders/tenant/:tenantId/deletion-preview',
    guardOf(guards),
    (_request, response) => {
      response.json({ rows: {} });
    },
  );
  const server = createServer(app.use(guards.refusals));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    url: `${origin}${PREVIEW}`,
    log,
    async [Symbol.asyncDispose]() {
      auth.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('401', () => {
  test('S1-115 the token in a header of its own, Token: it is refused, and accepted in Authorization', async () => {
    const told = await doctor([gateway(), '--header', 'Token']);
    assertFound(told, { finds: ['wrong_header'], evidence: /^401 with Token, 200 with Authorization$/ });
  });

  test('S1-116 a token that has expired', async () => {
    const hours = (ago: number) => Date.now() - ago * 3_600_000;
    const past = new JWTHandler(
      { signingKey: signingKeyOf() },
      { clock: { now: () => hours(48), monotonic: () => 0 } },
    );
    const told = await doctor([gateway(), '--direct', direct(), '--keys', publicKeys], {
      SERVICE_TOKEN: past.createServiceToken(ORCHESTRATOR),
    });
    assertFound(told, { finds: ['token_expired'], evidence: /^exp was 20\d\d-/ });
  });

  test('a file with the banner around the token', async () => {
    const banner = file('banner.txt', `Token:\n${started.serviceToken}\n\nexport TOKEN='…'\n`);
    assertFound(await doctor([gateway(), '--token-file', banner]), { finds: ['token_unreadable'] });
  });

  test('S1-117 a token that was signed with another key than the one that verifies', async () => {
    const other = signingHandler(createPlatformKeys()).createServiceToken(ORCHESTRATOR);
    const told = await doctor([direct(), '--keys', publicKeys], { SERVICE_TOKEN: other });
    assertFound(told, { finds: ['key_mismatch'] });
  });

  test('S1-117 JWT_SECRET_KEY of two places: their fingerprints tell them apart, and neither is shown', async () => {
    const here = new JWTHandler({ legacySharedSecret: true, secretKey: SECRET, warn: () => {} });
    const env = { SERVICE_TOKEN: here.createServiceToken(ORCHESTRATOR), JWT_SECRET_KEY: SECRET };
    const there = await doctor(['--legacy', '--token-env', 'NONE'], { JWT_SECRET_KEY: `another-${SECRET}` });
    const { key_fingerprint: fingerprint } = JSON.parse(there.stdout) as { readonly key_fingerprint: string };
    assert.match(fingerprint, /^[0-9a-f]{16}$/);
    const [own = ''] = here.keyFingerprints;
    assertFound(await doctor(['--legacy', '--fingerprint', `gateway=${own}`], env), { finds: [] });
    assertFound(await doctor(['--legacy', '--fingerprint', `orders=${fingerprint}`], env), {
      finds: ['key_mismatch'],
      evidence: /^another fingerprint than here: orders$/,
    });
  });

  test('S1-117 a service with another JWT_SECRET_KEY: its fingerprint gives it away, and the secrets stay where they are', async () => {
    const handlerOf = (secretKey: string) => new JWTHandler({ legacySharedSecret: true, secretKey, warn: () => {} });
    const there = handlerOf(`another-${SECRET}`);
    await using service = await startVariant((guards) => guards.serviceOnly(), platformTokens({ tokens: there }));
    const env = { SERVICE_TOKEN: handlerOf(SECRET).createServiceToken(ORCHESTRATOR), JWT_SECRET_KEY: SECRET };
    const [fingerprint = ''] = there.keyFingerprints;
    const told = await doctor([service.url, '--legacy', '--fingerprint', `orders=${fingerprint}`], env);
    assertFound(told, { finds: ['key_mismatch'], evidence: /orders$/ });
    const elsewhere = await doctor([service.url, '--legacy'], { ...env, JWT_SECRET_KEY: `another-${SECRET}` });
    assertFound(elsewhere, { finds: ['key_mismatch'], evidence: /does not verify under the key given here/ });
  });

  test('S1-122 S1-123 an ingress that strips Authorization: the gateway is fine without it, and what to set is said', async () => {
    const ingress = await startHop({ to: started.platform.gateway, ca: started.ca, change: withoutAuthorization });
    await using _ = ingress;
    const url = `${ingress.origin}${PREVIEW}`;
    const told = await doctor([url, '--gateway', gateway(), '--direct', direct()]);
    assertFound(told, { finds: ['ingress_strips_authorization'] });
    assert.match(told.stdout, /proxy_set_header Authorization \$http_authorization/);
    assert.match(told.stdout, /kubectl get ingress -o yaml/);
    const silent = file('gateway.log', 'started\n');
    assertFound(await doctor([url, '--direct', direct(), '--gateway-log', silent]), {
      finds: ['ingress_strips_authorization'],
      evidence: /the gateway logged no Service authentication/,
    });
    assertFound(await doctor([url]), { finds: ['authorization_lost'] });
  });

  test('S1-118 S1-122 a gateway that verifies the token and does not forward it: its log has Service authentication', async () => {
    const log: string[] = [];
    const forgetful = await startHop({
      to: direct().replace(PREVIEW, ''),
      change(headers) {
        if (headers.authorization !== undefined) log.push(`Service authentication: ${ORCHESTRATOR}`);
        return withoutAuthorization(headers);
      },
    });
    await using _ = forgetful;
    const url = `${forgetful.origin}${PREVIEW}`;
    assertFound(await doctor([url, '--direct', direct()]), { finds: ['gateway_drops_authorization'] });
    const gatewayLog = file('gateway.log', log.join('\n'));
    const told = await doctor([url, '--direct', direct(), '--gateway-log', gatewayLog]);
    assertFound(told, {
      finds: ['gateway_drops_authorization'],
      evidence: /the gateway logged Service authentication/,
    });
  });

  test('S1-132 a service that still has the key of before: the token is good under the new one, and a restart helps', async () => {
    const next = createPlatformKeys();
    const env = { SERVICE_TOKEN: signingHandler(next).createServiceToken(ORCHESTRATOR) };
    const serve = (keys: typeof next) =>
      startVariant((guards) => guards.serviceOnly(), platformTokens({ tokens: verifyingHandler(keys) }));
    const keys = file('next.pem', next.publicKey);
    {
      await using before = await serve(started.keys);
      assertFound(await doctor([before.url, '--keys', keys], env), { finds: ['service_needs_restart'] });
      assertFound(await doctor([before.url], env), { finds: ['token_refused'] });
    }
    await using restarted = await serve(next);
    assertFound(await doctor([restarted.url, '--keys', keys], env), { finds: [] });
  });
});

describe('whatever words a service has for it', () => {
  for (const errors of ['problem', 'service-auth', 'service-auth-401', 'detail', 'text'] as const) {
    test(`a key of before, a header that is lost, and a user are told apart in the format ${errors}`, async () => {
      const next = createPlatformKeys();
      const env = { SERVICE_TOKEN: signingHandler(next).createServiceToken(ORCHESTRATOR) };
      await using service = await startVariant((guards) => guards.serviceOnly(), undefined, errors);
      const keys = file('next.pem', next.publicKey);
      assertFound(await doctor([service.url, '--keys', keys], env), { finds: ['service_needs_restart'] });
      await using ingress = await startHop({ to: service.origin, change: withoutAuthorization });
      assertFound(await doctor([`${ingress.origin}${PREVIEW}`]), { finds: ['authorization_lost'] });
      await using unaware = await startVariant((guards) => guards.serviceOnly(), takesServicesForUsers(), errors);
      assertFound(await doctor([unaware.url]), { finds: ['service_context_missing'] });
    });
  }
});

/** A middleware that verifies the token, and hands on nothing of what it says. */
function takesServicesForUsers(): Authenticator {
  const verified = platformTokens({ tokens: verifyingHandler(started.keys) });
  return {
    ...verified,
    async authenticate(request) {
      const { service: _, ...others } = await verified.authenticate(request);
      return { ...others, service: undefined, user: { id: 'unknown', roles: [] } };
    },
  };
}

describe('403', () => {
  test('S1-119 a token without type: service', async () => {
    const told = await doctor([gateway(), '--direct', direct()], { SERVICE_TOKEN: started.userToken });
    assertFound(told, { finds: ['token_type_missing'], evidence: /^type is "access"$/ });
  });

  test('S1-121 a middleware that does not pass on what the token says: the log has service_only_access and the reason', async () => {
    await using service = await startVariant((guards) => guards.serviceOnly(), takesServicesForUsers());
    assertFound(await doctor([service.url]), { finds: ['service_context_missing'] });
    const told = await doctor([service.url, '--service-log', file('orders.log', service.log.join('\n'))]);
    assertFound(told, {
      finds: ['service_context_missing'],
      evidence: /service_required: a user called without a service/,
    });
  });

  test('a service that is not among the callers', async () => {
    await using service = await startVariant((guards) => guards.serviceOnly({ callers: ['tenant-service'] }));
    assertFound(await doctor([service.url]), { finds: ['caller_not_allowed'] });
  });

  test('a service without a scope that is required', async () => {
    await using service = await startVariant((guards) => guards.requireServiceAuth(['tenant:delete']));
    assertFound(await doctor([service.url]), { finds: ['forbidden'] });
  });
});

describe('200 for others', () => {
  test('S1-105 S1-120 without the guard a user gets in', async () => {
    const authenticated: RequestHandler = (_request, _response, next) => next();
    await using service = await startVariant(() => authenticated);
    await using authenticating = await startVariant((guards) => guards.requireRoles('admin', 'system'));
    const user = ['--user-token-env', 'USER_TOKEN'];
    const env = { USER_TOKEN: started.userToken };
    const told = await doctor([authenticating.url, ...user], env);
    assertFound(told, { finds: ['guard_missing'], evidence: /^200 at .* with the token of a user$/ });
    assert.match(told.stdout, /serviceOnly\(\) before the handler/);
    assertFound(await doctor([service.url]), { finds: ['route_open'], evidence: /without a token$/ });
    assertFound(await doctor([gateway(), '--direct', direct(), ...user], env), { finds: [] });
  });
});

describe('5xx and no answer', () => {
  test('S1-124 a module that cannot be imported is no authentication problem', async () => {
    const fail = (): never => {
      throw new Error("cannot import name 'Order' from 'app.models.order'");
    };
    await started.platform.restart('orders', { store: { preview: fail, delete: fail } });
    const told = await doctor([gateway(), '--direct', direct()]);
    assertFound(told, { finds: ['service_failed'], evidence: /^500 at .*, 401 without a token$/ });
    assert.match(told.stdout, /Not an authentication problem/);
    const log = file('orders.log', started.serviceLog.join('\n'));
    const informed = await doctor([gateway(), '--service-log', log]);
    assertFound(informed, { finds: ['service_failed'], evidence: /cannot import name 'Order'/ });
    await started.platform.restart('orders');
  });

  test('a service that does not run, through the gateway and directly', async () => {
    await started.platform.stop('orders');
    assertFound(await doctor([gateway()]), { finds: ['unreachable'] });
    assertFound(await doctor([direct()]), { finds: ['unreachable'] });
    await started.platform.restart('orders');
  });

  test('a path that nobody serves', async () => {
    assertFound(await doctor([direct().replace('deletion-preview', 'preview')]), { finds: ['not_found'] });
  });
});

test('nothing is deleted by looking', async () => {
  assertFound(await doctor([`${started.platform.directUrl('orders')}/tenant/${TENANT}`]), { finds: ['not_found'] });
  assertFound(await doctor([gateway()]), { finds: [] });
  assert.equal(started.audit.read().filter(({ event }) => event === 'tenant_data_deleted').length, 0);
});

test('each case was found above, and docs/troubleshooting.md has a chapter for each', () => {
  const cases = Object.keys(DOCTOR_CASES).toSorted();
  assert.deepEqual([...tried].toSorted(), cases);
  const text = readFileSync(path.join(ROOT, 'docs/troubleshooting.md'), 'utf8');
  const chapters = [...text.matchAll(/^### `(\w+)`$/gm)].map(([, name]) => name);
  assert.deepEqual(chapters.map(String).toSorted(), cases);
});

test('a wrong command line exits 64, what cannot be read 78, and a finding 1, as a process and for people', () => {
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const main = path.join(ROOT, 'packages/sidegate/src/cli/main.ts');
    const options = { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } } as const;
    return spawnSync(process.execPath, ['--conditions=@sidegate/source', main, 'doctor', ...args], options);
  };
  assert.equal(run(['ftp://example.com/']).status, 64);
  const unset = run(['https://localhost/']);
  assert.equal(unset.status, 78);
  assert.match(unset.stderr, /SERVICE_TOKEN is not set/);
  const told = run(['--token-env', 'T'], { T: 'canary' });
  assert.equal(told.status, 1);
  assert.match(told.stdout, /^token_unreadable: This is not a token\n {2}seen: .*\n {2}do: {3}.*\n$/);
  assert.doesNotMatch(told.stdout, /canary/);
});

function signingKeyOf() {
  return readSigningKey(started.keys.privateKey);
}
