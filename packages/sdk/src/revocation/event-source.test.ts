import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { type EventSourceOptions, readEvents } from './event-source.ts';

const ca = createTestAuthority('events-CA');
const certificate = ca.issue({ dns: ['events.example.com'], eku: ['serverAuth'] });
const client = ca.issue({ uris: ['spiffe://example.org/sidecar'] });

async function startServer(answer: (response: ServerResponse, headers: Readonly<Record<string, unknown>>) => void) {
  const options = { cert: certificate.certPem, key: certificate.keyPem, ca: ca.certPem, requestCert: true };
  const server = https.createServer(options, (request, response) => answer(response, request.headers));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = (more: Partial<EventSourceOptions> = {}) =>
    readEvents({
      url: 'https://events.example.com/events',
      tls: { ca: ca.certPem, cert: client.certPem, key: client.keyPem },
      dial: { address: '127.0.0.1', port },
      lastEventId: undefined,
      silentMs: 2_000,
      signal: new AbortController().signal,
      ...more,
    });
  return {
    port,
    ask,
    /** The events, and how it ended. */
    read: async (more: Partial<EventSourceOptions> = {}) => {
      const events: string[] = [];
      try {
        for await (const data of ask(more)) if (data !== undefined) events.push(data);
        return { events, end: 'ended' };
      } catch (error) {
        return { events, end: error instanceof Error ? error.message : String(error) };
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const streamed =
  (...pieces: readonly string[]) =>
  (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    const next = (index: number): void => {
      const piece = pieces[index];
      if (piece === undefined) response.end();
      else response.write(piece, () => setImmediate(next, index + 1));
    };
    next(0);
  };

const READ: readonly (readonly [title: string, pieces: readonly string[], events: readonly string[]])[] = [
  ['one event', ['id: 1\nevent: x\ndata: a\n\n'], ['a']],
  ['events in crumbs', ['da', 'ta: a', '\n', '\nda', 'ta:b\n\n'], ['a', 'b']],
  ['line ends of all kinds, also cut in two', ['data: a\r', '\n\r', '\ndata: b\r\rdata: c\n\n'], ['a', 'b', 'c']],
  ['data on several lines', ['data: a\ndata: b\n\n'], ['a\nb']],
  [
    'comments, unknown fields and events without data',
    [': hello\n\nretry: 5\n\nid: 7\n\nwhat: ever\n\ndata\n\n'],
    [''],
  ],
  ['nothing of an event that is not whole', ['data: a\n\ndata: b\n'], ['a']],
];
for (const [title, pieces, events] of READ) {
  test(`server-sent events: ${title}`, async () => {
    await using server = await startServer(streamed(...pieces));
    assert.deepEqual(await server.read(), { events, end: 'ended' });
  });
}

const LONG = 'x'.repeat(20_000);
const HOSTILE: readonly (readonly [title: string, answer: (response: ServerResponse) => void, end: RegExp])[] = [
  ['a line of twenty thousand characters', streamed('data: a\n\n', `data: ${LONG}\n\n`), /more than 16384 characters/],
  [
    'an event of a thousand lines',
    streamed('data: a\n\n', 'data: twenty characters\n'.repeat(1_000), '\n'),
    /more than 16384/,
  ],
  [
    'a line without an end',
    (response) => {
      streamed('data: a\n\n')(Object.assign(response, { end: () => response }));
      setInterval(() => response.write('x'.repeat(4_096)), 1).unref();
    },
    /more than 16384 characters/,
  ],
  ['an answer that is no stream', (response) => response.end('{}'), /no stream of events/],
  ['a refusal', (response) => response.writeHead(403).end(), /answered 403/],
  [
    'a redirect',
    (response) => response.writeHead(302, { location: 'https://other.example.com/' }).end(),
    /answered 302/,
  ],
];
for (const [title, answer, end] of HOSTILE) {
  test(`server-sent events: ${title} ends it`, async () => {
    await using server = await startServer(answer);
    const outcome = await server.read();
    assert.match(outcome.end, end);
    assert.ok(outcome.events.every((event) => event === 'a'));
  });
}

test('server-sent events: a server that says nothing any more is left', async () => {
  await using server = await startServer((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: a\n\n');
  });
  const begun = performance.now();
  assert.deepEqual(await server.read({ silentMs: 150 }), { events: ['a'], end: 'it said nothing for 150 ms' });
  assert.ok(performance.now() - begun < 2_000);
});

test('server-sent events: a server with a certificate of others, or for another name, is told nothing', async () => {
  let asked = 0;
  await using server = await startServer(() => (asked += 1));
  const other = createTestAuthority('other-CA');
  assert.match((await server.read({ tls: { ca: other.certPem } })).end, /unable to verify|self-signed|certificate/i);
  const named = await server.read({
    url: 'https://other.example.com/events',
    dial: { address: '127.0.0.1', port: server.port },
  });
  assert.match(named.end, /other\.example\.com|name/);
  assert.equal(asked, 0);
});

test('server-sent events: the place is told, and who asks can end it', async () => {
  const heard: unknown[] = [];
  await using server = await startServer((response, headers) => {
    heard.push([headers['last-event-id'], headers['accept']]);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: a\n\n');
  });
  const abort = new AbortController();
  const events: string[] = [];
  await assert.rejects(async () => {
    for await (const data of server.ask({ lastEventId: 'e.7', signal: abort.signal })) {
      if (data === undefined) continue;
      events.push(data);
      abort.abort();
    }
  });
  assert.deepEqual([heard, events], [[['e.7', 'text/event-stream']], ['a']]);
});
