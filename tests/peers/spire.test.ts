/** Our client and our sidecar beside the real SPIRE, and SPIRE's own client beside our server. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { verify, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseSpiffeId } from '@sidegate/sdk';
import { type WorkloadApi, workloadApi } from '@sidegate/sdk/workload-api';
import { PERL, perlCredentials } from '../../packages/sidegate/src/authority/workload-api/peer-credentials.ts';
import { unixAttestor } from '../../packages/sidegate/src/authority/workload-api/unix-attestor.ts';
import { startReloadable } from '../support/reloadable.ts';
import { until } from '../support/until.ts';
import {
  CLOCK,
  SCHEDULE,
  startWorkloadAuthority,
  TRUST_DOMAIN,
  type WorkloadAuthority,
} from '../support/workload-authority.ts';
import { makeFolder, runProgram } from './foreign-program.ts';
import { withoutPostgres } from './postgres-binary.ts';
import { spireBinaries, withoutSpire } from './spire-binaries.ts';
import { type SpireDeployment, startSpire } from './spire-deployment.ts';

const WAIT_MS = 60_000;
const uid = process.getuid?.() ?? 0;
const SELF = [`unix:uid:${uid}`];

function clientOf(socket: string): WorkloadApi & Disposable {
  const client = workloadApi({ socket, clock: CLOCK, schedule: SCHEDULE, random: Math.random });
  return { ...client, [Symbol.dispose]: () => client.close() };
}

describe("beside SPIRE's server and agent", { skip: withoutSpire() || withoutPostgres() }, () => {
  let spire: SpireDeployment;
  let order: string;
  let gateway: string;
  before(async () => {
    spire = await startSpire();
    order = `spiffe://${spire.trustDomain}/zone2/order-service`;
    gateway = `spiffe://${spire.trustDomain}/zone1/api-gateway`;
  });
  after(() => spire[Symbol.asyncDispose]());

  test('a workload that nobody registered is told so, and gets its identity once somebody has', async () => {
    using client = clientOf(spire.socket);
    const source = client.watchX509();
    await until(() => source.failure()?.includes('PERMISSION_DENIED') === true, WAIT_MS);
    assert.match(source.failure() ?? '', /PERMISSION_DENIED: no identity issued/);
    await spire.register({ spiffeId: order, selectors: SELF, ttlSeconds: 12, dnsNames: ['localhost'], hint: 'order' });
    await spire.register({ spiffeId: gateway, selectors: SELF, ttlSeconds: 12, hint: 'gateway' });
    const { svids } = await source.first();
    assert.ok(svids.every(({ id }) => [order, gateway].includes(id.uri)));
  });

  test('S4-083 X.509-SVIDs come with their bundle, as SPIRE itself shows it', async () => {
    using client = clientOf(spire.socket);
    const source = client.watchX509();
    await until(() => source.current()?.svids.length === 2, WAIT_MS);
    const { svids, bundles } = await source.first();
    const shown = await spire.server('bundle', 'show');
    const [bundle = ''] = [...bundles.values()];
    assert.deepEqual([...bundles.keys()], [spire.trustDomain]);
    assert.equal(new X509Certificate(bundle).fingerprint256, new X509Certificate(shown).fingerprint256);
    assert.deepEqual(svids.map(({ id, hint }) => `${id.uri} ${hint}`).toSorted(), [
      `${gateway} gateway`,
      `${order} order`,
    ]);
    const alone = await client.watchX509Bundles().first();
    assert.deepEqual([...alone], [...bundles]);
  });

  test('S4-088 an SVID is followed by another before it ends', async () => {
    using client = clientOf(spire.socket);
    const source = client.watchX509();
    const first = (await source.first()).svids[0];
    await until(() => source.current()?.svids[0].key !== first.key, WAIT_MS);
    const second = source.current()?.svids[0];
    assert.notEqual(second?.key, first.key);
    assert.ok(Date.now() < first.notAfter);
    assert.equal(source.failure(), undefined);
  });

  test('S4-083 a JWT-SVID is fetched, and verified by us with its bundle and by SPIRE', async () => {
    using client = clientOf(spire.socket);
    const token = await client.jwtSvid(['data-service'], parseSpiffeId(order));
    assert.equal(await client.jwtSvid(['data-service'], parseSpiffeId(order)), token);
    const keys = await client.watchJwtBundles().first();
    const [input = '', signature = ''] = token.reveal().split(/\.(?=[^.]*$)/);
    const header = Buffer.from(input.split('.')[0] ?? '', 'base64url').toString();
    const { kid } = JSON.parse(header) as { readonly kid: string };
    const signing = keys.get(spire.trustDomain)?.byKid.get(kid);
    assert.ok(signing !== undefined);
    const key = { key: signing.publicKey, dsaEncoding: 'ieee-p1363' } as const;
    assert.ok(verify('sha256', Buffer.from(input), key, Buffer.from(signature, 'base64url')));
    assert.equal((await client.validateJwtSvid('data-service', token.reveal())).uri, order);
    await assert.rejects(client.validateJwtSvid('payment-service', token.reveal()), {
      code: 'token_signature_invalid',
    });
  });

  test('S4-088 a sidecar serves with its SVID while that is replaced, and nothing fails', async () => {
    await using reloadable = await startReloadable({
      allowed: [gateway],
      tls: '{ enabled: true, source: workload_api, client_auth: require }',
      identities: { [gateway]: 'api-gateway' },
      extra: `workload_api: { socket: "${spire.socket}", hint: order }`,
    });
    using client = clientOf(spire.socket);
    const source = client.watchX509();
    await until(() => source.current()?.svids.length === 2, WAIT_MS);
    const open = () => {
      const own = source.current()?.svids.find(({ hint }) => hint === 'gateway');
      assert.ok(own !== undefined);
      return reloadable.client(
        { certPem: own.cert, keyPem: own.key },
        source.current()?.bundles.get(spire.trustDomain),
      );
    };
    const first = reloadable.generation();
    const statuses = new Map<unknown, number>();
    const end = performance.now() + WAIT_MS;
    const enough = () => reloadable.generation() >= first + 2 && (statuses.get(200) ?? 0) >= 40;
    while (!enough() && performance.now() < end) {
      using client = open();
      for (let request = 0; request < 20; request += 1) {
        const status = await client.get().then(
          (answer): unknown => answer.status,
          (error: unknown) => error,
        );
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }
    assert.deepEqual([...statuses.keys()], [200], reloadable.sidecar.stdout());
    assert.ok(enough());
  });

  test('an agent that is stopped leaves the last SVID, and is asked again when it is back', async () => {
    using client = clientOf(spire.socket);
    const source = client.watchX509();
    const { svids } = await source.first();
    await spire.stopAgent();
    await until(() => source.failure() !== undefined, WAIT_MS);
    assert.notEqual(source.failure(), undefined);
    assert.notEqual(source.current(), undefined);
    await spire.startAgent();
    await until(() => source.failure() === undefined, WAIT_MS);
    assert.notEqual(source.current()?.svids[0].key, svids[0].key);
  });

  test('S4-085 S4-086 S4-087 it accepts the files that are generated for it', async () => {
    using folder = makeFolder();
    const main = path.resolve(import.meta.dirname, '../../packages/sidegate/src/cli/main.ts');
    const command = ['--conditions=@sidegate/source', main, 'generate', 'spire', '--trust-domain', spire.trustDomain];
    const options = ['--service', 'order-service', '--out', folder.directory];
    assert.equal(spawnSync(process.execPath, [...command, ...options]).status, 0);
    const { agent = '', server = '' } = spireBinaries() ?? {};
    const checked = await runProgram(agent, ['validate', '-config', path.join(folder.directory, 'spire-agent.conf')]);
    assert.equal(checked.code, 0, checked.stdout + checked.stderr);
    const script = `#!/bin/sh\n[ "$3" = -h ] && exec ${server} "$@"\nexec ${server} "$@" -socketPath ${spire.serverSocket}\n`;
    chmodSync(folder.file('spire-server', script), 0o755);
    const env = { PATH: `${folder.directory}:${process.env['PATH']}` };
    const { status, stderr } = spawnSync('/bin/sh', [path.join(folder.directory, 'register-entries.sh')], { env });
    assert.equal(status, 0, String(stderr));
    const shown = await spire.server(
      'entry',
      'show',
      '-spiffeID',
      `spiffe://${spire.trustDomain}/ns/production/sa/order-service`,
    );
    assert.match(shown, /Selector\s+: k8s:ns:production\nSelector\s+: k8s:sa:order-service/);
    assert.match(shown, /X509-SVID TTL\s+: 3600/);
  });
});

describe("SPIRE's client beside our server", {
  skip: withoutSpire() || (existsSync(PERL) ? false : `there is no ${PERL}`),
}, () => {
  const ID = `spiffe://${TRUST_DOMAIN}/zone2/order-service`;
  const AGENT = spireBinaries()?.agent ?? '';
  let authority: WorkloadAuthority;
  before(async () => {
    authority = await startWorkloadAuthority({ attestPeer: unixAttestor(perlCredentials()) });
    authority.register({ selectors: [...SELF, `unix:path:${AGENT}`], hint: 'internal', dnsNames: ['order'] });
  });
  after(() => authority[Symbol.asyncDispose]());
  const api = (...args: readonly string[]) => runProgram(AGENT, ['api', ...args, '-socketPath', authority.path]);

  test('fetches an X.509-SVID, whose chain it verifies', async () => {
    using folder = makeFolder();
    const { code, stdout, stderr } = await api('fetch', 'x509', '-write', folder.directory);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`SPIFFE ID:\\s+${ID}\\nHint:\\s+internal\\n`));
    assert.ok(existsSync(path.join(folder.directory, 'svid.0.key')));
  });

  test('fetches a JWT-SVID and has it validated, but not for another audience', async () => {
    const { code, stdout, stderr } = await api('fetch', 'jwt', '-audience', 'data-service');
    assert.equal(code, 0, stderr);
    const token = /\s(eyJ\S+)/.exec(stdout)?.[1] ?? '';
    const valid = await api('validate', 'jwt', '-audience', 'data-service', '-svid', token);
    assert.match(valid.stdout, new RegExp(`SVID is valid\\.\\nSPIFFE ID : ${ID}\\n`));
    const refused = await api('validate', 'jwt', '-audience', 'payment-service', '-svid', token);
    assert.notEqual(refused.code, 0);
  });

  test('is refused where no entry matches', async () => {
    const stranger = await startWorkloadAuthority({ attestPeer: unixAttestor(perlCredentials()) });
    await using _ended = stranger;
    stranger.register({ selectors: [...SELF, 'unix:path:/usr/bin/order'] });
    const args = ['api', 'fetch', 'x509', '-timeout', '3s', '-socketPath', stranger.path];
    const { code, stderr } = await runProgram(AGENT, args);
    assert.notEqual(code, 0);
    assert.match(stderr, /PermissionDenied|no identity issued/);
    const [event] = stranger.events;
    assert.ok(event?.event === 'workload_refused' && event.selectors.includes(`unix:path:${AGENT}`));
  });
});
