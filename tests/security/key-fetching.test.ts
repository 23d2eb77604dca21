/** Corpus B, 63 to 66, 69 and 70: how keys are fetched, and what a hostile or broken issuer can do to us with them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { bytes, type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { manualTime } from '../support/manual-time.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { createSigningKey, encode, keySetBytes } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { sendBytes, type WireAnswer } from '../support/wire.ts';

const attacker = createSigningKey('ES256', 'attacker');
const ATTACKERS_SET = keySetBytes(attacker.jwk());

const sendWith = (sidecar: Pick<Ingress, 'send'>, token: string) =>
  sidecar.send({ headers: ['Authorization', `Bearer ${token}`] });

function redirect(status: number, location: string): JwksServer['answer'] {
  return (_incoming, response) => void response.writeHead(status, { location }).end();
}

function zipped(body: Buffer): JwksServer['answer'] {
  return (_incoming, response) =>
    void response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(body);
}

/** What is no key set, whatever it says of itself. */
const UNUSABLE: readonly (readonly [title: string, answer: JwksServer['answer']])[] = [
  ['no connection', (incoming) => incoming.socket.destroy()],
  ['500', bytes('down', 'text/plain', 500)],
  ['500 with a set of keys', bytes(ATTACKERS_SET, 'application/json', 500)],
  ['404', bytes('', 'text/plain', 404)],
  ['201 with a set of keys', bytes(ATTACKERS_SET, 'application/json', 201)],
  ['206 with a set of keys', bytes(ATTACKERS_SET, 'application/json', 206)],
  ['204', bytes('', 'application/json', 204)],
  ['nothing', bytes('')],
  ['HTML', bytes('<html><body>sign in</body></html>', 'text/html')],
  ['no keys', bytes('{"keys":[]}')],
  ['keys that are null', bytes('{"keys":null}')],
  ['keys that are an object', bytes(`{"keys":{"0":${JSON.stringify(attacker.jwk())}}}`)],
  ['a list', bytes(JSON.stringify([attacker.jwk()]))],
  ['one key and no set', bytes(JSON.stringify(attacker.jwk()))],
  ['keys twice', bytes(`{"keys":[],${ATTACKERS_SET.toString().slice(1)}`)],
  ['a byte order mark', bytes(`\ufeff${ATTACKERS_SET.toString()}`)],
  ['half a set', bytes(ATTACKERS_SET.subarray(0, -10))],
  ['a set and more', bytes(`${ATTACKERS_SET.toString()}{}`)],
  ['more than 1 MiB', bytes(Buffer.concat([ATTACKERS_SET, Buffer.alloc(1024 * 1024, ' ')]))],
  ['257 keys', bytes(keySetBytes(...Array.from({ length: 257 }, (_, index) => attacker.jwk({ kid: `k${index}` }))))],
  ['deep nesting', bytes(`{"keys":${'['.repeat(100_000)}`)],
  ['a gzip bomb', zipped(gzipSync(Buffer.alloc(64 * 1024 * 1024, ' ')))],
  ['a set in gzip', zipped(gzipSync(ATTACKERS_SET))],
  [
    'fewer bytes than announced',
    (_incoming, response) => {
      response.writeHead(200, { 'content-length': '100000' });
      response.write(ATTACKERS_SET);
      setImmediate(() => response.destroy());
    },
  ],
];

describe('C-063 kids that nobody has', () => {
  /** Not signed by anybody: the key is looked for first. */
  const forged = (ingress: Ingress, kid: string): string => {
    const [, payload = ''] = ingress.token().split('.');
    return `${encode(JSON.stringify({ alg: 'ES256', kid }))}.${payload}.${'A'.repeat(86)}`;
  };

  async function flood(ingress: Ingress, from: number, count: number): Promise<void> {
    const requests = Array.from({ length: count }, (_, index) => {
      const end = index === count - 1 ? 'Connection: close\r\n' : '';
      return `GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${forged(ingress, `kid-${from + index}`)}\r\n${end}\r\n`;
    });
    const { raw } = await sendBytes(ingress.wire, Buffer.from(requests.join('')));
    assert.equal(raw.match(/HTTP\/1\.1 401/g)?.length, count);
    assert.equal(raw.match(/"code":"token_key_not_found"/g)?.length, count);
    assert.equal(raw.match(/WWW-Authenticate: Bearer error="invalid_token"/g)?.length, count);
  }

  test('C-063 ten thousand of them cost one fetch in thirty seconds, and hold up nobody', async () => {
    const time = manualTime(Date.now());
    await using ingress = await startIngress({ clock: time.clock });
    const { app, jwks, sidecar } = ingress;
    const atStart = jwks.requests.length;
    for (let sent = 0; sent < 10_000; sent += 500) {
      await flood(ingress, sent, 500);
      assert.equal((await ingress.send()).status, 200, 'a token of a known key passes');
      time.advance(500);
    }
    assert.equal(jwks.requests.length - atStart, 1);
    const denied = sidecar.audit.filter(({ decision, code }) => decision === 'deny' && code === 'token_key_not_found');
    assert.deepEqual([denied.length, sidecar.audit.length, app.seen.length], [10_000, 10_020, 20]);
    assert.doesNotMatch(sidecar.lines.join('\n') + sidecar.log(), /eyJ[\w-]+\.eyJ|A{86}/);

    time.advance(19_000);
    await ingress.refused('token_key_not_found', () => sendWith(ingress, forged(ingress, 'early')));
    assert.equal(jwks.requests.length - atStart, 1, 'not yet thirty seconds');
    time.advance(2_000);
    await ingress.refused('token_key_not_found', () => sendWith(ingress, forged(ingress, 'late')));
    assert.equal(jwks.requests.length - atStart, 2, 'once more after thirty');
  });

  test('C-063 kids with nothing that could be one of ours cost no fetch at all', async () => {
    await using ingress = await startIngress();
    const atStart = ingress.jwks.requests.length;
    for (const [code, token] of [
      ['token_malformed', forged(ingress, '')],
      ['token_malformed', forged(ingress, 'k'.repeat(257))],
      ['token_issuer_mismatch', ingress.token({ iss: 'https://evil.example' }, { header: { kid: 'unknown' } })],
      ['token_key_not_found', ingress.token({}, { header: { alg: 'HS256', kid: 'unknown' } })],
      ['token_alg_not_allowed', ingress.token({}, { header: { alg: 'none', kid: 'unknown' } })],
    ] as const) {
      await ingress.refused(code, () => sendWith(ingress, token));
    }
    assert.equal(ingress.jwks.requests.length, atStart);
  });
});

describe('no key was ever loaded', { concurrency: 4 }, () => {
  for (const [title, answer] of UNUSABLE) {
    test(`C-064 ${title} is jwks_unavailable with Retry-After for everybody`, async () => {
      await using keys = await startJwksServer(answer);
      await using ingress = await startIngress({ jwksUrl: `${keys.origin}/certs` });
      for (const key of [ingress.issuerKey, attacker]) {
        let answered: WireAnswer | undefined;
        const token = ingress.token({}, { key });
        const step = async () => (answered = await sendWith(ingress, token));
        await ingress.refused('jwks_unavailable', step, [token]);
        assert.match(answered?.headers['retry-after'] ?? '', /^[1-9]\d?$/);
      }
      await ingress.refused('jwks_unavailable', () =>
        sendWith(ingress, ingress.token({}, { header: { kid: undefined } })),
      );
      await ingress.refused('token_alg_not_allowed', () =>
        sendWith(ingress, ingress.token({}, { header: { alg: 'none' }, sign: () => Buffer.alloc(0) })),
      );
    });
  }
});

describe('keys are loaded, and the issuer answers something else', { concurrency: 4 }, () => {
  for (const [title, answer] of [...UNUSABLE, ['a redirect', redirect(302, '/other')] as const]) {
    test(`C-065 ${title}: the last good keys stay, and no others count`, async () => {
      await using ingress = await startIngress({ jwt: '  jwks_refresh_interval: 1s' });
      const before = ingress.jwks.requests.length;
      ingress.jwks.answer = answer;
      const failed = () => /keys could not be loaded/.test(ingress.sidecar.log());
      await until(() => ingress.jwks.requests.length > before && failed());
      assert.ok(failed());
      assert.equal((await ingress.send()).status, 200);
      const token = ingress.token({}, { key: attacker });
      await ingress.refused('token_key_not_found', () => sendWith(ingress, token), [token]);
    });
  }
});

describe('a redirect is not followed', () => {
  const METADATA = '169.254.169.254';
  const LOCATIONS: readonly (readonly [status: number, location: (elsewhere: string) => string])[] = [
    ...[301, 302, 303, 307, 308, 300].map((status) => [status, () => `http://${METADATA}/latest/meta-data/`] as const),
    [302, () => `//${METADATA}/latest/meta-data/`],
    [302, () => `http://[::ffff:${METADATA}]/`],
    [302, () => 'http://2852039166/'],
    [302, () => 'file:///etc/passwd'],
    [302, (elsewhere) => `${elsewhere}/keys`],
    [307, () => '/keys'],
    [302, () => 'keys'],
  ];
  for (const [status, location] of LOCATIONS) {
    test(`C-066 ${status} to ${location('http://elsewhere')}`, async () => {
      await using elsewhere = await startJwksServer(bytes(ATTACKERS_SET));
      await using keys = await startJwksServer(redirect(status, location(elsewhere.origin)));
      const port = Number(new URL(elsewhere.origin).port);
      // Whoever would call the metadata service meets our server instead.
      const connectTo = new Map([[`${METADATA}:80`, { address: '127.0.0.1', port }]]);
      await using ingress = await startIngress({ jwksUrl: `${keys.origin}/certs`, connectTo });
      const token = ingress.token({}, { key: attacker });
      await ingress.refused('jwks_unavailable', () => sendWith(ingress, token), [token]);
      await until(() => keys.requests.length >= 2);
      assert.deepEqual(elsewhere.requests, []);
      assert.deepEqual([...new Set(keys.requests)], ['/certs']);
    });
  }
});

describe('a key is removed', () => {
  test('C-069 without any setting its tokens are token_key_not_found within sixty seconds, cached or not', async () => {
    const time = manualTime(Date.now());
    const { clock, schedule } = time;
    await using ingress = await startIngress({ clock, schedule });
    const next = createSigningKey('ES256', 'users-2');
    const [cached, fresh] = [ingress.token(), ingress.token({ sub: 'user-456' })];
    assert.equal((await sendWith(ingress, cached)).status, 200);
    const before = ingress.jwks.requests.length;
    ingress.jwks.answer = bytes(keySetBytes(next.jwk()));
    time.advance(60_000);
    await until(() => ingress.jwks.requests.length > before);
    // A token of the new key waits for the answer that is under way.
    assert.equal((await sendWith(ingress, ingress.token({}, { key: next }))).status, 200);
    assert.equal(ingress.jwks.requests.length, before + 1, 'time alone made it look');
    for (const token of [cached, fresh]) {
      await ingress.refused('token_key_not_found', () => sendWith(ingress, token), [token]);
    }
  });

  test('C-069 a key of the same name takes the place of the removed one', async () => {
    const time = manualTime(Date.now());
    const { clock, schedule } = time;
    await using ingress = await startIngress({ clock, schedule });
    const next = createSigningKey('ES256', ingress.issuerKey.kid);
    const token = ingress.token();
    assert.equal((await sendWith(ingress, token)).status, 200);
    const before = ingress.jwks.requests.length;
    ingress.jwks.answer = bytes(keySetBytes(next.jwk()));
    time.advance(60_000);
    await until(() => ingress.jwks.requests.length > before);
    // An unknown kid waits for the answer that is under way.
    const unknown = ingress.token({}, { header: { kid: 'unknown' } });
    await ingress.refused('token_key_not_found', () => sendWith(ingress, unknown), [unknown]);
    await ingress.refused('token_signature_invalid', () => sendWith(ingress, token), [token]);
    assert.equal((await sendWith(ingress, ingress.token({}, { key: next }))).status, 200);
  });
});

test('C-070 keys over http from another host than this one are a configuration error: exit 78, every one of them', async () => {
  const URLS = [
    'http://idp.example.com/certs',
    'http://127.0.0.1.evil.example/certs',
    'http://localhost.evil.example/certs',
    'http://evil.example#@127.0.0.1/certs',
    'http://127.0.0.1@evil.example/certs',
    'http://user:canary-secret@localhost/certs',
    'https://user:canary-secret@idp.example.com/certs',
    'http://10.0.0.1/certs',
    'http://169.254.169.254/certs',
    'http://0.0.0.0/certs',
    'http://[::]/certs',
    'http://[::ffff:10.0.0.1]/certs',
    'ftp://127.0.0.1/certs',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '//idp.example.com/certs',
    'certs',
  ];
  const folder = mkdtempSync(path.join(tmpdir(), 'sidegate-keys-'));
  try {
    const file = path.join(folder, 'config.yaml');
    const issuers = URLS.flatMap((url, index) => [
      `    - { name: "k${index}", issuer: "https://idp.example.com/k${index}", audience: a, jwks_url: "${url}" }`,
      `    - { name: "i${index}", issuer: "${url}", audience: a }`,
    ]);
    const rest = 'http: { addr: "127.0.0.1:0" }\nproxy: { enabled: true, authz: { enabled: false } }\n';
    writeFileSync(file, `${rest}jwt:\n  issuers:\n${issuers.join('\n')}\n`);
    await using sidecar = await startSidecarProcess(['--config', file]);
    assert.equal(sidecar.listening, undefined);
    assert.equal(await sidecar.end(), 78);
    const output = sidecar.stderr();
    for (const index of URLS.keys()) {
      assert.match(output, new RegExp(`:${5 + 2 * index}:\\d+: error: jwt\\.issuers\\[${2 * index}\\]\\.jwks_url`));
      assert.match(output, new RegExp(`:${6 + 2 * index}:\\d+: error: jwt\\.issuers\\[${2 * index + 1}\\]\\.issuer`));
    }
    assert.ok(!`${output}${sidecar.stdout()}`.includes('canary-secret'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
