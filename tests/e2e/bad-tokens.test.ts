/** A caller that sends bad tokens without end: beyond a thousand a second none of them costs a signature. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { startIngress } from '../support/ingress.ts';
import { manualTime } from '../support/manual-time.ts';

const BURST = 1_000;

/** Requests sent ahead on one connection. @returns the status of each answer */
async function sendAll(
  port: number,
  tokens: readonly string[],
  { localAddress = '127.0.0.1', scheme = 'Bearer' } = {},
): Promise<number[]> {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const requests = tokens.map((token, index) => {
    const last = index === tokens.length - 1 ? 'Connection: close\r\n' : '';
    return `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${scheme} ${token}\r\n${last}\r\n`;
  });
  socket.write(requests.join(''));
  await new Promise((resolve) => socket.once('close', resolve));
  const answers = Buffer.concat(chunks).toString('latin1');
  return Array.from(answers.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status));
}

describe('a caller that sent a thousand bad tokens within a second', () => {
  test('gets 429 for every further one that is not known to be good, until there is room again', async () => {
    const time = manualTime();
    await using ingress = await startIngress({ clock: time.clock });
    const port = ingress.sidecar.ingressPort;
    const known = ingress.token({ jti: 'known' });
    assert.deepEqual(await sendAll(port, [known]), [200]);
    const flood = await sendAll(
      port,
      Array.from({ length: BURST + 5 }, () => 'a.b.c'),
    );
    assert.deepEqual(
      [flood.slice(0, BURST).every((status) => status === 401), flood.slice(BURST)],
      [true, [429, 429, 429, 429, 429]],
    );
    await ingress.refused('rate_limited', () => ingress.send());
    assert.deepEqual(await sendAll(port, [known]), [200], 'what is known to be good costs no signature');
    assert.deepEqual(
      await sendAll(port, [ingress.token()], { localAddress: '127.0.0.2' }),
      [200],
      'nobody else pays for it',
    );
    time.advance(1);
    assert.deepEqual(await sendAll(port, [ingress.token({ jti: 'later' })]), [200]);
  });

  test('has its bad DPoP proofs counted like bad tokens', async () => {
    const time = manualTime();
    const dpop = '{ enabled: true, origins: ["https://orders.example.com"] }';
    const proxy = `  authz: { enabled: false }\n  auth: { dpop: ${dpop} }`;
    await using ingress = await startIngress({ clock: time.clock, proxy });
    const port = ingress.sidecar.ingressPort;
    const bound = ingress.token({ cnf: { jkt: 'A'.repeat(43) } });
    const flood = await sendAll(
      port,
      Array.from({ length: BURST + 5 }, () => bound),
      { scheme: 'DPoP' },
    );
    assert.deepEqual(
      [flood.slice(0, BURST).every((status) => status === 401), flood.slice(BURST)],
      [true, [429, 429, 429, 429, 429]],
    );
    time.advance(1);
    assert.deepEqual(await sendAll(port, [bound], { scheme: 'DPoP' }), [401]);
  });

  test('that were answered with our own trouble is counted for none of them', async () => {
    const time = manualTime();
    await using ingress = await startIngress({ clock: time.clock, jwksUrl: 'http://127.0.0.1:1/certs', ready: false });
    const port = ingress.sidecar.ingressPort;
    const statuses = await sendAll(
      port,
      Array.from({ length: BURST + 5 }, () => ingress.token()),
    );
    assert.ok(statuses.every((status) => status === 503));
  });
});
