/** `cache.l1` and `policy.print_enabled`: what is remembered of decisions, and what policies may say to the log. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { decidedBy, type FakeOpa, startFakeOpa } from '../support/opa-answer.ts';
import { sendRequest } from '../support/wire.ts';

const QUERY = '  authz: { policy_query: data.order.allow }';
const BY_ROLE = `package order\n\ndefault allow := false\n\nallow if "admin" in input.token.realm_access.roles\n`;
const BY_PATH = `package order\n\ndefault allow := false\n\nallow if input.request.path == "/a"\n`;
const BY_CLOCK = `package order\n\nallow if time.now_ns() > 0\n`;
const ADMIN = 'admin: { addr: "127.0.0.1:0" }';

function start(chapters: string, files: Readonly<Record<string, string>> = {}, opa?: FakeOpa): Promise<Ingress> {
  return startIngress({ proxy: QUERY, chapters, files, env: { OPA: opa?.url ?? '' } });
}

const REMOTE = 'policy: { engine: opa_sidecar, opa: { url: "${OPA}", timeout: 5s } }';

async function lookups({ sidecar }: Ingress): Promise<readonly string[]> {
  const { body } = await sendRequest({ port: sidecar.adminPort }, { target: '/metrics' });
  return body.match(/^authz_decision_cache_lookups_total\{.*/gm) ?? [];
}

describe('cache.l1', () => {
  for (const [settings, message] of [
    ['max_size: 0', /max_size: must be at least 1/],
    ['ttl: 1ms', /ttl: must be between 100ms and 1h/],
    ['ttl: 2h', /ttl: must be between 100ms and 1h/],
    ['size: 10', /size: is an unknown key/],
  ] as const) {
    test(`{ ${settings} } is refused`, () => assert.rejects(start(`cache: { l1: { ${settings} } }`), message));
  }

  test('off, which is the default: the engine is asked each time', async () => {
    await using opa = await startFakeOpa(decidedBy('package order\n\nallow if true\n'));
    await using ingress = await start(REMOTE, {}, opa);
    for (let index = 0; index < 3; index += 1) assert.equal((await ingress.send({})).status, 200);
    assert.equal(opa.asked.length, 3);
  });

  test('on: an engine elsewhere is asked once for equal requests, and again for another one', async () => {
    await using opa = await startFakeOpa(decidedBy(BY_PATH));
    await using ingress = await start(`${REMOTE}\ncache: { l1: { enabled: true } }\n${ADMIN}`, {}, opa);
    const headers = ['Authorization', `Bearer ${ingress.token()}`];
    const statuses: number[] = [];
    for (const target of ['/a', '/a', '/b', '/b', '/a'])
      statuses.push((await ingress.send({ target, headers })).status);
    assert.deepEqual(statuses, [200, 200, 403, 403, 200]);
    assert.equal(opa.asked.length, 2);
    assert.deepEqual(await lookups(ingress), [
      'authz_decision_cache_lookups_total{result="miss"} 2',
      'authz_decision_cache_lookups_total{result="hit"} 3',
    ]);
  });

  test('on: a failure to decide is not remembered', async () => {
    await using opa = await startFakeOpa((_question, response) => void response.writeHead(500).end());
    await using ingress = await start(`${REMOTE}\ncache: { l1: { enabled: true } }`, {}, opa);
    const headers = ['Authorization', `Bearer ${ingress.token()}`];
    await ingress.refused('policy_error', () => ingress.send({ headers }));
    opa.answer = decidedBy('package order\n\nallow if true\n');
    assert.equal((await ingress.send({ headers })).status, 200);
  });

  test('on: the embedded engine looks only at what its policy reads', async () => {
    const policy = 'policy: { path: /policies }';
    const files = { '/policies/order.rego': BY_ROLE };
    await using ingress = await start(`${policy}\ncache: { l1: { enabled: true } }\n${ADMIN}`, files);
    const send = async (target: string, roles: readonly string[]): Promise<number> => {
      const token = ingress.token({ realm_access: { roles } });
      return (await ingress.send({ target, headers: ['Authorization', `Bearer ${token}`] })).status;
    };
    assert.deepEqual([await send('/a', ['admin']), await send('/b', ['admin']), await send('/b', [])], [200, 200, 403]);
    assert.deepEqual(await lookups(ingress), [
      'authz_decision_cache_lookups_total{result="miss"} 2',
      'authz_decision_cache_lookups_total{result="hit"} 1',
    ]);
  });

  test('on: a policy that reads the clock is asked each time, and the log says why', async () => {
    const files = { '/policies/order.rego': BY_CLOCK };
    const chapters = `policy: { path: /policies }\ncache: { l1: { enabled: true } }\n${ADMIN}`;
    await using ingress = await start(chapters, files);
    assert.equal((await ingress.send({})).status, 200);
    assert.deepEqual(await lookups(ingress), []);
    assert.match(ingress.sidecar.log(), /"builtins":\["time.now_ns"\].*are not remembered/);
  });
});

describe('policy.print_enabled', () => {
  const files = {
    '/policies/order.rego': `package order\n\nallow if {\n\tprint("asks for", input.request.path)\n\ttrue\n}\n`,
    '/roles.yaml': 'roles: { admin: { permissions: [{ path: /** }] } }',
  };

  test('is refused for an engine that does not look at it', () =>
    assert.rejects(
      start('policy: { engine: builtin, path: /roles.yaml, print_enabled: true }', files),
      /print_enabled: is not used by the engine builtin/,
    ));

  for (const enabled of [false, true]) {
    test(`${enabled} logs ${enabled ? 'each line, on one line and shortened' : 'nothing'}`, async () => {
      await using ingress = await start(`policy: { path: /policies, print_enabled: ${enabled} }`, files);
      assert.equal((await ingress.send({ target: `/${'a'.repeat(2_000)}` })).status, 200);
      const lines = ingress.sidecar
        .log()
        .split('\n')
        .filter((line) => line.includes('a policy prints'));
      assert.equal(lines.length, enabled ? 1 : 0);
      if (enabled) assert.equal((JSON.parse(lines[0] ?? '') as { printed: string }).printed.length, 1_024);
    });
  }
});
