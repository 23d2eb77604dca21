/** What is repeated and what never is, what goes along with a call, and what does not leave this service. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import { startCalledService } from '../../../../tests/support/called-service.ts';
import { Problem } from '../problem.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import {
  type Credentials,
  operation,
  runWithContext,
  ServiceResponseError,
  serviceClient,
  staticToken,
} from './index.ts';

const own = staticToken('own-token');
const quick = { ...systemRuntime(), schedule: (_: number, task: () => void) => systemRuntime().schedule(1, task) };
const clientOf = (target: string, changed: { readonly credentials?: Credentials; readonly timeoutMs?: number } = {}) =>
  serviceClient({ target, credentials: own, development: true, runtime: quick, ...changed });

describe('a call is made again', () => {
  for (const [method, answers, expected, attempts] of [
    ['GET', [503, 502, 200], 200, 3],
    ['PUT', [504, 200], 200, 2],
    ['DELETE', ['reset', 200], 200, 2],
    ['GET', [503, 503, 503, 200], 503, 3],
    ['GET', [500, 200], 500, 1],
    ['GET', [429, 200], 429, 1],
    ['POST', [503, 200], 503, 1],
    ['PATCH', [503, 200], 503, 1],
    ['POST', ['reset', 200], 'upstream_unreachable', 1],
  ] as const) {
    const title = `${method} that meets ${answers.join(', ')}: ${expected} after ${attempts}`;
    test(title, async () => {
      const left = [...answers];
      await using service = await startCalledService({
        answer: () => {
          const next = left.shift() ?? 200;
          return next === 'reset' ? 'reset' : { status: next };
        },
      });
      const client = clientOf(service.url);
      const answer = client.fetch('/', { method });
      if (typeof expected === 'string') await assert.rejects(answer, { code: expected });
      else assert.equal((await answer).status, expected);
      assert.equal(service.calls.length, attempts);
      await client.close();
    });
  }

  test('never with a stream, which is gone', async () => {
    await using service = await startCalledService({ answer: () => ({ status: 503 }) });
    const client = clientOf(service.url);
    const body = new Blob(['streamed']).stream();
    assert.equal((await client.fetch('/', { method: 'PUT', body })).status, 503);
    assert.deepEqual(
      service.calls.map((call) => call.body),
      ['streamed'],
    );
    await client.close();
  });

  test('not after longer than somebody waits, and not when the caller has left', async () => {
    await using service = await startCalledService({
      answer: () => ({ status: 503, headers: { 'retry-after': '60' } }),
    });
    const client = clientOf(service.url);
    assert.equal((await client.fetch('/')).status, 503);
    assert.equal(service.calls.length, 1);
    const leaving = AbortSignal.abort(new Error('left'));
    await assert.rejects(client.fetch('/', { signal: leaving }), /left/);
    assert.equal(service.calls.length, 1);
    await client.close();
  });
});

describe('a refused token', () => {
  const rotating = (): Credentials & { readonly refusals: () => number } => {
    let version = 1;
    let refusals = 0;
    return {
      kind: 'test',
      authorize: () => Promise.resolve({ authorization: `Bearer v${version}` }),
      refused: ({ headers }) => {
        refusals += 1;
        if (headers['authorization'] === `Bearer v${version}`) version += 1;
      },
      close: () => {},
      refusals: () => refusals,
    };
  };

  test('is replaced once, also for a POST: nothing was done with the first', async () => {
    const credentials = rotating();
    await using service = await startCalledService({
      answer: ({ headers }) => ({ status: headers.authorization === 'Bearer v2' ? 200 : 401 }),
    });
    const client = clientOf(service.url, { credentials });
    assert.equal((await client.fetch('/charge', { method: 'POST', body: '{}' })).status, 200);
    assert.deepEqual(
      service.calls.map(({ headers }) => headers.authorization),
      ['Bearer v1', 'Bearer v2'],
    );
    await client.close();
  });

  test('is not replaced twice, and the same token is not shown again', async () => {
    await using service = await startCalledService({ answer: () => ({ status: 401 }) });
    for (const [credentials, calls] of [
      [rotating(), 2],
      [own, 1],
    ] as const) {
      const client = clientOf(service.url, { credentials });
      const before = service.calls.length;
      assert.equal((await client.fetch('/')).status, 401);
      assert.equal(service.calls.length - before, calls);
      await client.close();
    }
  });
});

describe('credentials stay at their target', () => {
  test('a redirect is an answer', async () => {
    await using elsewhere = await startCalledService();
    await using service = await startCalledService({
      answer: () => ({ status: 307, headers: { location: `${elsewhere.url}/taken` } }),
    });
    const client = clientOf(service.url);
    const answer = await client.fetch('/charge', { method: 'POST', body: '{}' });
    assert.deepEqual([answer.status, answer.headers.get('location')], [307, `${elsewhere.url}/taken`]);
    await assert.rejects(client.json('/charge'), { name: 'ServiceResponseError', status: 307 });
    assert.equal(elsewhere.calls.length, 0);
    await client.close();
  });

  for (const elsewhere of [
    'http://127.0.0.1:1/x',
    'https://evil.example/x',
    'http:evil.example',
    '/../admin',
    '/x/../../admin',
    '/%2e%2e/admin',
    'http://localhost@evil.example/',
  ]) {
    test(`${elsewhere} is not the target`, async () => {
      await using service = await startCalledService();
      const client = clientOf(`${service.url}/api`);
      await assert.rejects(client.fetch(elsewhere), { name: 'TypeError', message: /is not below|is not a path/ });
      assert.equal(service.calls.length, 0);
      await client.close();
    });
  }

  for (const [given, expected] of [
    ['/x?y=1', '/api/x?y=1'],
    ['x', '/api/x'],
    ['//evil.example/x', '/api//evil.example/x'],
    ['', '/api/'],
  ] as const) {
    test(`${given || 'nothing'} is below the target`, async () => {
      await using service = await startCalledService();
      const client = clientOf(`${service.url}/api/`);
      await client.fetch(given);
      assert.equal(service.calls[0]?.target, expected);
      await client.close();
    });
  }
});

describe('what goes along', () => {
  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
  const arrived = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, tracestate: 'a=b' };

  test('S0-24 S0-65 the token of the user never, not even when credentials or code try', async () => {
    await using service = await startCalledService();
    const leaking: Credentials = {
      ...own,
      kind: 'test',
      authorize: () => Promise.resolve({ authorization: 'Bearer of-the-user' }),
    };
    await runWithContext({ subjectToken: 'of-the-user' }, async () => {
      const client = clientOf(service.url, { credentials: leaking });
      await assert.rejects(client.fetch('/'), { name: 'TypeError', message: /must be exchanged, never handed on/ });
      const honest = clientOf(service.url);
      await assert.rejects(honest.fetch('/', { headers: { 'x-token': 'Bearer of-the-user' } }), /never handed on/);
      await assert.rejects(honest.fetch('/?access_token=of-the-user'), /the URL holds the token of the user/);
      assert.equal(service.calls.length, 0);
      await honest.fetch('/');
      await Promise.all([client.close(), honest.close()]);
    });
    assert.deepEqual(
      service.calls.map(({ headers }) => headers.authorization),
      ['Bearer own-token'],
    );
  });

  test('the user and the trace of the request that arrived, each with its own span', async () => {
    await using service = await startCalledService();
    const client = clientOf(service.url);
    const calling = (userId: string) =>
      runWithContext({ userId, ...arrived }, async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await client.fetch(`/${userId}`);
      });
    await Promise.all([calling('anna'), calling('bert')]);
    await client.fetch('/nobody');
    const spans = new Set<string>();
    for (const { target, headers } of service.calls) {
      const [, trace, span, flags] = String(headers['traceparent']).split('-');
      spans.add(span ?? '');
      assert.match(String(span), /^[0-9a-f]{16}$/);
      if (target === '/nobody') {
        assert.deepEqual([headers['x-user-context'], headers['tracestate'], flags], [undefined, undefined, '00']);
        assert.notEqual(trace, TRACE);
      } else {
        assert.deepEqual(
          [headers['x-user-context'], headers['tracestate'], trace, flags],
          [target.slice(1), 'a=b', TRACE, '01'],
        );
      }
    }
    assert.equal(spans.size, 3);
    assert.ok(!spans.has('00f067aa0ba902b7'));
    await client.close();
  });

  test('no trace that is not one, and no user whose id is not one word', async () => {
    await using service = await startCalledService();
    const client = clientOf(service.url);
    for (const traceparent of ['x', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `${arrived.traceparent}\r\nx: y`]) {
      await runWithContext({ ...arrived, traceparent }, () => client.fetch('/'));
      assert.ok(!String(service.calls.at(-1)?.headers['traceparent']).includes(TRACE));
      assert.equal(service.calls.at(-1)?.headers['tracestate'], undefined);
    }
    for (const userId of ['', 'a b', 'a\r\nx-admin: 1', 'x'.repeat(257)]) {
      assert.throws(() => runWithContext({ userId }, () => {}), TypeError);
    }
    await client.close();
  });

  test('S0-69 an Idempotency-Key with what moves money: the one of the command, or a new one', async () => {
    const charge = operation({
      method: 'POST',
      path: '/charge',
      scopes: [],
      movesMoney: true,
      read: (answer) => answer,
    });
    const look = operation({ method: 'GET', path: '/charges/{id}', scopes: [], read: (answer) => answer });
    await using service = await startCalledService();
    const client = clientOf(service.url);
    for (const key of ['a"b', '', 'x'.repeat(256), 'a\nb']) {
      await assert.rejects(client.call(charge, { idempotencyKey: key }), {
        name: 'TypeError',
        message: /Idempotency-Key/,
      });
    }
    await client.call(charge, { body: {}, idempotencyKey: 'charge-42' });
    await client.call(charge, { body: {} });
    await client.call(charge, { body: {} });
    await client.call(look, { params: { id: 'a/b' } });
    const keys = service.calls.map(({ headers }) => headers['idempotency-key']);
    assert.equal(keys[0], '"charge-42"');
    assert.match(String(keys[1]), /^"[0-9a-f-]{36}"$/);
    assert.notEqual(keys[1], keys[2]);
    assert.equal(keys[3], undefined);
    assert.equal(service.calls[3]?.target, '/charges/a%2Fb');
    for (const id of ['', '.', '..']) await assert.rejects(client.call(look, { params: { id } }), TypeError);
    await client.close();
  });
});

describe('an answer', () => {
  test('S0-47 S4-028 that is no success is a typed error with its status', async () => {
    await using service = await startCalledService();
    const client = clientOf(service.url);
    for (const [status, body, code] of [
      [400, { code: 'invalid_request' }, 'invalid_request'],
      [403, { error: 'insufficient_scope', secret: 'canary' }, 'insufficient_scope'],
      [404, 'not json', undefined],
      [409, { code: 'a\nb' }, undefined],
      [500, '', undefined],
    ] as const) {
      service.answer = () => ({ status, body, headers: { 'retry-after': '7' } });
      await assert.rejects(client.json('/items?token=canary'), (error: unknown) => {
        assert.ok(error instanceof ServiceResponseError);
        assert.deepEqual([error.status, error.code, error.retryAfterSeconds], [status, code, 7]);
        assert.ok(!error.message.includes('canary') && !JSON.stringify(error).includes('canary'));
        return true;
      });
    }
    await client.close();
  });

  test('S4-028 that is no JSON, that is too large, that breaks off, or that does not come, rejects', async () => {
    await using service = await startCalledService();
    const client = clientOf(service.url, { timeoutMs: 2_000 });
    for (const [answer, code] of [
      [{ body: '{"a":' }, 'bad_upstream_response'],
      [{ body: '{"a":1,"a":2}' }, 'bad_upstream_response'],
      [{ body: `"${'x'.repeat(4 * 1024 * 1024)}"` }, 'bad_upstream_response'],
      [{ body: 'x', headers: { 'content-length': '10' } }, /upstream_/],
      ['silence', 'upstream_timeout'],
      ['reset', 'upstream_unreachable'],
    ] as const) {
      service.answer = () => answer;
      await assert.rejects(
        client.json('/', { method: 'POST' }),
        (error) => error instanceof Problem && new RegExp(code).test(error.code),
        String(code),
      );
    }
    await client.close();
    const nobody = clientOf('http://127.0.0.1:1');
    await assert.rejects(nobody.json('/'), { code: 'upstream_unreachable' });
    await nobody.close();
  });

  test('without a body is null', async () => {
    await using service = await startCalledService({ answer: () => ({ status: 200, body: '' }) });
    const client = clientOf(service.url);
    assert.equal(await client.json('/'), null);
    await client.close();
  });
});

test('S0-56 connections are shared by all calls of a client', async () => {
  await using service = await startCalledService();
  const client = clientOf(service.url);
  for (let call = 0; call < 5; call += 1) {
    await (await client.fetch('/')).text();
    // The connection is free again once its answer has ended, not only been read.
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(service.connections(), 1);
  await client.close();
  await assert.rejects(client.fetch('/'), { code: 'not_ready' });
});

test('S0-57 after close() no socket and no timer keeps the process alive', async () => {
  await using service = await startCalledService();
  const program = `
    import { serviceClient, staticToken } from '@sidegate/sdk/client';
    const client = serviceClient({ target: process.argv[1], credentials: staticToken('abc'), development: true });
    await client.json('/');
    await client.close();
    console.log(process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout/.test(name)).join());`;
  const flags = ['--conditions=@sidegate/source', '--input-type=module', '-e', program, service.url];
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      flags,
      { timeout: 20_000, cwd: path.join(import.meta.dirname, '..') },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    );
  });
  assert.equal(output.trim(), '');
});
