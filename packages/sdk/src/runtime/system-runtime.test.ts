/** What a process gives the SDK, against real servers. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { AnswerTooLarge, type HttpRequest } from '../ports.ts';
import { systemRuntime } from './system-runtime.ts';

async function listening(
  server: ReturnType<typeof createServer>,
): Promise<AsyncDisposable & { readonly port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const asking = (url: string, changed: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  headers: {},
  timeoutMs: 2_000,
  maxBytes: 1_000,
  ...changed,
});

describe('the HTTP client of a process', () => {
  const ANSWERS: Readonly<Record<string, RequestListener>> = {
    '/moved': (_, response) => response.writeHead(302, { location: '/reached' }).end('moved'),
    '/large': (_, response) => response.end('x'.repeat(1_001)),
    '/endless': (_, response) => response.write('x'),
    '/silent': () => {},
    '/broken': (request) => request.socket.destroy(),
    '/echo': (request, response) =>
      request
        .on('data', (chunk: Buffer) => response.write(chunk))
        .on('end', () => response.end(`${request.method} ${String(request.headers['x-a'])}`)),
  };
  const reached: string[] = [];
  const answering: RequestListener = (request, response) => {
    reached.push(request.url ?? '');
    ANSWERS[request.url ?? '']?.(request, response);
  };

  for (const [title, target, reason] of [
    ['an answer of more bytes than allowed', '/large', AnswerTooLarge],
    ['an answer that never ends', '/endless', /abort|timeout/i],
    ['a server that says nothing', '/silent', /abort|timeout/i],
    ['a connection that breaks', '/broken', /closed|hang up|reset/i],
  ] as const) {
    test(`rejects on ${title}`, async () => {
      await using server = await listening(createServer(answering));
      const { http } = systemRuntime();
      await assert.rejects(http(asking(`http://127.0.0.1:${server.port}${target}`, { timeoutMs: 300 })), reason);
    });
  }

  test('rejects where nobody listens', async () => {
    await assert.rejects(systemRuntime().http(asking('http://127.0.0.1:1/')), /ECONNREFUSED/);
  });

  test('returns a redirect and does not follow it', async () => {
    await using server = await listening(createServer(answering));
    const { status, headers } = await systemRuntime().http(asking(`http://127.0.0.1:${server.port}/moved`));
    assert.deepEqual([status, headers['location']], [302, '/reached']);
    assert.ok(!reached.includes('/reached'));
  });

  test('sends method, headers and body', async () => {
    await using server = await listening(createServer(answering));
    const request = asking(`http://127.0.0.1:${server.port}/echo`, {
      method: 'POST',
      headers: { 'x-a': 'b' },
      body: 'é',
    });
    assert.equal((await systemRuntime().http(request)).body.toString(), 'éPOST b');
  });

  test('S0-12 trusts the given authority alone, and only for the host that was asked for', async () => {
    const authority = createTestAuthority('internal-CA');
    for (const [ips, ca, reason] of [
      [['127.0.0.1'], createTestAuthority('other-CA').certPem, /unable to (?:verify|get)|self.signed/i],
      [['127.0.0.1'], undefined, /unable to (?:verify|get)|self.signed/i],
      [['127.0.0.2'], authority.certPem, /the certificate is not for 127\.0\.0\.1/],
      [['127.0.0.1'], authority.certPem, undefined],
    ] as const) {
      const { certPem, keyPem } = authority.issue({ eku: ['serverAuth'], ips });
      const server = https.createServer({ cert: certPem, key: keyPem }, (_, response) => response.end('reached'));
      await using address = await listening(server);
      const answer = systemRuntime(ca === undefined ? {} : { ca }).http(asking(`https://127.0.0.1:${address.port}/`));
      if (reason === undefined) assert.equal((await answer).body.toString(), 'reached');
      else await assert.rejects(answer, reason);
    }
  });
});

test('a process that used its runtime ends by itself, with an idle connection and a timer far away', async () => {
  await using server = await listening(createServer((_, response) => response.end('done')));
  const program = `
    import { systemRuntime } from '@sidegate/sdk';
    const { http, schedule, clock } = systemRuntime();
    schedule(60_000, () => {});
    const { body } = await http({ method: 'GET', url: process.argv[1], headers: {}, timeoutMs: 5_000, maxBytes: 100 });
    console.log(String(body), clock.now() > 0);`;
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      ['--conditions=@sidegate/source', '--input-type=module', '-e', program, `http://127.0.0.1:${server.port}/`],
      { timeout: 20_000, cwd: path.join(import.meta.dirname, '..') },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    );
  });
  assert.equal(output.trim(), 'done true');
});

test('importing the SDK does not load undici', () => {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import('@sidegate/sdk');
    console.log(loaded.length > 10, loaded.some((url) => url.includes('/undici/')));`;
  const flags = ['--conditions=@sidegate/source', '--input-type=module', '-e', program];
  const output = execFileSync(process.execPath, flags, { cwd: path.join(import.meta.dirname, '..'), encoding: 'utf8' });
  assert.equal(output.trim(), 'true false');
});
