/** Files that change while a sidecar runs: no request notices, and what is wrong with them changes nothing. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createTestAuthority } from '../support/certificates.ts';
import { startHttpApp } from '../support/http-app.ts';
import {
  ALLOWS,
  BROKEN,
  DENIES,
  issueClient,
  issueServer,
  OTHER_PEER,
  type Reloadable,
  startReloadable,
  underLoad,
} from '../support/reloadable.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { until } from '../support/until.ts';
import { HANDSHAKE, openWebSocket, startWebSocketService } from '../support/websocket.ts';
import { sendRequest } from '../support/wire.ts';

const WAIT_MS = 10_000;
const PEER = 'spiffe://example.org/zone1/api-gateway';

async function reloaded(reloadable: Reloadable, change: () => void): Promise<void> {
  const before = reloadable.generation();
  change();
  await until(() => reloadable.generation() > before, WAIT_MS);
  assert.ok(reloadable.generation() > before, reloadable.sidecar.stderr());
}

async function refused(reloadable: Reloadable, change: () => void, finding: RegExp): Promise<void> {
  const before = reloadable.generation();
  change();
  await until(() => finding.test(reloadable.sidecar.stderr()), WAIT_MS);
  assert.match(reloadable.sidecar.stderr(), finding);
  assert.equal(reloadable.generation(), before);
}

describe('what is wrong with new files changes nothing', { concurrency: 2 }, () => {
  const ROWS: readonly {
    readonly title: string;
    readonly change: (reloadable: Reloadable) => void;
    readonly finding: RegExp;
    readonly mend: (reloadable: Reloadable) => void;
  }[] = [
    {
      title: 'a policy that does not compile',
      change: ({ write }) => write('policies/order.rego', BROKEN),
      finding: /"file":"[^"]*order\.rego","line":5,.*rego_unsafe_var_error/,
      mend: ({ write }) => write('policies/order.rego', ALLOWS),
    },
    {
      title: 'a configuration with an unknown key',
      change: ({ write, config }) => write('config.yaml', config({ extra: 'nonsense: 1' })),
      finding: /"file":"[^"]*config\.yaml","line":\d+.*nonsense/,
      mend: ({ write, config }) => write('config.yaml', config({})),
    },
    {
      title: 'a certificate that does not belong to its key',
      change: ({ write, authority }) => write('server.crt', issueServer(authority).certPem),
      finding: /"file":"[^"]*server\.key".*is not the key of/,
      mend: ({ write, authority }) => {
        const server = issueServer(authority);
        write('server.crt', server.certPem);
        write('server.key', server.keyPem);
      },
    },
    {
      title: 'a private key that others can read',
      change: ({ root }) => chmodSync(path.join(root, 'server.key'), 0o644),
      finding: /is a private key that others can read/,
      mend: ({ root, write }) => {
        chmodSync(path.join(root, 'server.key'), 0o600);
        write('policies/order.rego', `${ALLOWS}\n`);
      },
    },
    {
      title: 'an empty bundle of authorities',
      change: ({ write }) => write('ca.crt', ''),
      finding: /is not a PEM certificate/,
      mend: ({ write, authority }) => write('ca.crt', authority.certPem),
    },
    {
      title: 'another address to listen on',
      change: ({ write, config }) => write('config.yaml', config({ port: 1 })),
      finding: /http\.addr.*restart it.*cannot change while the sidecar runs/,
      mend: ({ write, config }) => write('config.yaml', config({})),
    },
  ];
  for (const { title, change, finding, mend } of ROWS) {
    test(`${title} is told once with its place, the last good state serves, and mending it is enough`, async () => {
      await using reloadable = await startReloadable();
      using client = reloadable.client();
      assert.equal((await client.get()).status, 200);
      await refused(reloadable, () => change(reloadable), finding);
      assert.deepEqual({ ...(await client.get()), serial: '' }, { status: 200, reused: true, serial: '' });
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      const told = reloadable.sidecar.stderr().match(new RegExp(finding, 'g'))?.length;
      assert.equal(told, 1, reloadable.sidecar.stderr());
      await reloaded(reloadable, () => mend(reloadable));
      assert.equal((await client.get()).status, 200);
    });
  }
});

describe('what has changed is taken over', { concurrency: 2 }, () => {
  test('a policy, while connections stay open', async () => {
    await using reloadable = await startReloadable();
    using client = reloadable.client();
    assert.equal((await client.get()).status, 200);
    await reloaded(reloadable, () => reloadable.write('policies/order.rego', DENIES));
    const { status, reused } = await client.get();
    assert.deepEqual({ status, reused }, { status: 403, reused: true });
  });

  test('a policy only on SIGHUP where hot_reload is off', async () => {
    await using reloadable = await startReloadable({ hotReload: false });
    using client = reloadable.client();
    reloadable.write('policies/order.rego', DENIES);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.equal((await client.get()).status, 200);
    await reloaded(reloadable, () => reloadable.sidecar.signal('SIGHUP'));
    assert.equal((await client.get()).status, 403);
  });

  test('a policy volume as Kubernetes mounts it, whose link is swapped', async () => {
    await using reloadable = await startReloadable();
    using client = reloadable.client();
    const policies = path.join(reloadable.root, 'policies');
    const mount = (version: string, text: string): void => {
      mkdirSync(path.join(policies, version));
      writeFileSync(path.join(policies, version, 'order.rego'), text);
      symlinkSync(version, path.join(policies, '..data_tmp'));
      renameSync(path.join(policies, '..data_tmp'), path.join(policies, '..data'));
    };
    await reloaded(reloadable, () => {
      rmSync(path.join(policies, 'order.rego'));
      mount('..2026_1', DENIES);
      symlinkSync('..data/order.rego', path.join(policies, 'order.rego'));
    });
    assert.equal((await client.get()).status, 403);
    await reloaded(reloadable, () => mount('..2026_2', ALLOWS));
    assert.equal((await client.get()).status, 200);
  });

  test('a pair whose key is written after its certificate, without a complaint', async () => {
    await using reloadable = await startReloadable();
    const server = issueServer(reloadable.authority);
    await reloaded(reloadable, () => {
      reloadable.write('server.crt', server.certPem);
      setTimeout(() => reloadable.write('server.key', server.keyPem), 250);
    });
    assert.doesNotMatch(reloadable.sidecar.stderr(), /not reloaded/);
    using client = reloadable.client();
    assert.equal((await client.get()).status, 200);
  });

  test('a removed identity: its open connection ends, the others stay', async () => {
    await using reloadable = await startReloadable({ allowed: [PEER, OTHER_PEER] });
    using other = reloadable.client(issueClient(reloadable.authority, OTHER_PEER));
    using client = reloadable.client();
    assert.equal((await other.get()).status, 200);
    assert.equal((await client.get()).status, 200);
    await reloaded(reloadable, () => reloadable.write('config.yaml', reloadable.config({ allowed: [PEER] })));
    const { status, reused } = await other.get();
    assert.deepEqual({ status, reused }, { status: 403, reused: false });
    assert.equal((await client.get()).reused, true);
  });

  test('certificates that are told to expire are those that are shown now, also after a change that was refused', async () => {
    const target = (file: string): string => `admin: { addr: "127.0.0.1:0" }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data: { url: "https://data-service:8443", tls: { enabled: true, client_cert: ${file}.crt, client_key: ${file}.key } }
  routes: [{ path_prefix: /data, target: data }]`;
    const none = target('server').replace(/ {2}targets[^]*/, '  targets: {}');
    await using reloadable = await startReloadable({ extra: target('server') });
    const port = Number(reloadable.sidecar.listening?.admin?.split(':').at(-1));
    const told = async (): Promise<readonly string[]> => {
      const { body } = await sendRequest({ port }, { target: '/metrics' });
      return Array.from(
        body.matchAll(/^authz_certificate_not_after_seconds\{certificate="([^"]+)"/gm),
        ([, name = '']) => name,
      );
    };
    assert.deepEqual(await told(), ['http', 'egress.targets.data']);
    await refused(
      reloadable,
      () => reloadable.write('config.yaml', reloadable.config({ extra: target('absent') })),
      /absent/,
    );
    assert.deepEqual(await told(), ['http', 'egress.targets.data']);
    await reloaded(reloadable, () => reloadable.write('config.yaml', reloadable.config({ extra: none })));
    assert.deepEqual(await told(), ['http']);
  });

  test('a client secret in a file: the next token is asked for with the new one, and nobody sees either', async () => {
    const tokens = await startTokenEndpoint(() => ({
      body: { access_token: 'a.b.c', token_type: 'Bearer', expires_in: 300 },
    }));
    const app = await startHttpApp();
    const extra = `egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data:
      url: http://127.0.0.1:${app.port}
      auth: { type: oauth2_client_credentials, token_url: "${tokens.url}", client_id: order-service, client_secret_file: secret }
  routes: [{ path_prefix: /data, target: data }]`;
    const files = { secret: 'canary-old-secret' };
    await using reloadable = await startReloadable({ extra, files });
    const port = Number(reloadable.sidecar.listening?.egress?.split(':').at(-1));
    const call = async (): Promise<number> =>
      (await sendRequest({ port }, { target: '/data', headers: ['Host', 'localhost'] })).status;
    assert.deepEqual([await call(), await call()], [200, 200]);
    await reloaded(reloadable, () => reloadable.write('secret', 'canary-new-secret'));
    assert.equal(await call(), 200);
    const shown = tokens.requests.map(({ headers, form }) => {
      const basic = Buffer.from(headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
      return form.get('client_secret') ?? basic.replace('order-service:', '');
    });
    assert.deepEqual(shown, ['canary-old-secret', 'canary-new-secret']);
    assert.doesNotMatch(reloadable.sidecar.stdout() + reloadable.sidecar.stderr(), /canary/);
    await tokens[Symbol.asyncDispose]();
    await app[Symbol.asyncDispose]();
  });

  test('a removed identity: its WebSocket ends as well, the others stay open', async () => {
    await using service = await startWebSocketService();
    const routes = `[{ path: /**, websocket: true, upstream: "http://127.0.0.1:${service.port}" }]`;
    await using reloadable = await startReloadable({ allowed: [PEER, OTHER_PEER], routes });
    const connect = (uri: string) => {
      const { certPem: cert, keyPem: key } = issueClient(reloadable.authority, uri);
      const head = `GET /chat HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${reloadable.token()}\r\n${HANDSHAKE}\r\n`;
      return openWebSocket({ port: reloadable.port, tls: { ca: reloadable.authority.certPem, cert, key } }, head);
    };
    using gone = connect(OTHER_PEER);
    using stays = connect(PEER);
    for (const client of [gone, stays]) assert.match(await client.receives('\r\n\r\n'), /^HTTP\/1\.1 101 /);
    reloadable.write('config.yaml', reloadable.config({ routes }));
    await gone.closed;
    stays.socket.write('hello');
    assert.match(await stays.receives('HELLO'), /HELLO/);
  });

  test('an authority: old, both, new, and who has only the old one is cut off', async () => {
    await using reloadable = await startReloadable();
    const { authority, write } = reloadable;
    const next = createTestAuthority('zone2-CA-2');
    using old = reloadable.client();
    using renewed = reloadable.client(issueClient(next));
    assert.equal((await old.get()).status, 200);
    await assert.rejects(renewed.get());
    await reloaded(reloadable, () => write('ca.crt', `${authority.certPem}${next.certPem}`));
    assert.equal((await old.get()).reused, true, 'it stays where it is');
    assert.equal((await renewed.get()).status, 200);
    await reloaded(reloadable, () => write('ca.crt', next.certPem));
    await assert.rejects(old.get(), 'its connection has ended, and another is refused');
    assert.equal((await renewed.get()).reused, true);
  });
});

describe('under load no request fails', () => {
  test('while certificate and key are replaced again and again', async () => {
    await using reloadable = await startReloadable();
    const load = underLoad(reloadable, 4);
    const serials = new Set<string>();
    for (let rotation = 0; rotation < 4; rotation += 1) {
      await reloaded(reloadable, () => {
        const server = issueServer(reloadable.authority);
        reloadable.write('server.crt', server.certPem);
        reloadable.write('server.key', server.keyPem);
      });
      using client = reloadable.client();
      serials.add((await client.get()).serial);
    }
    assert.deepEqual(await load.end(), []);
    assert.equal(serials.size, 4, 'each new connection saw the new certificate');
    assert.ok(load.sent() > 100, String(load.sent()));
  });

  test('while SIGHUP comes again and again, and no descriptor is left behind', async () => {
    await using reloadable = await startReloadable();
    const load = underLoad(reloadable, 4);
    await until(() => load.sent() > 50, WAIT_MS);
    const before = reloadable.descriptors();
    for (let time = 0; time < 10; time += 1) await reloaded(reloadable, () => reloadable.sidecar.signal('SIGHUP'));
    const after = reloadable.descriptors();
    assert.deepEqual(await load.end(), []);
    assert.ok(after <= before, `${before} descriptors before, ${after} after`);
  });
});
