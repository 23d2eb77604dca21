/** Workloads of another trust domain at an ingress that names it: each bundle speaks for its own IDs alone, and no longer than it is there. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { workloadApi } from '@sidegate/sdk/workload-api';
import { issueBelow } from '../../packages/sidegate/src/authority/ca/issue.ts';
import { issueRevocationList } from '../../packages/sidegate/src/authority/ca/revocation-list.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { type Reloadable, startReloadable, underLoad } from '../support/reloadable.ts';
import { until } from '../support/until.ts';
import { CLOCK, SCHEDULE, startWorkloadAuthority, type WorkloadAuthority } from '../support/workload-authority.ts';

const PARTNER = 'partner.example';
const BILLING = `spiffe://${PARTNER}/billing`;
const GATEWAY = 'spiffe://example.org/zone1/api-gateway';
const ORDER = 'spiffe://example.org/zone2/order-service';
const STRANGER = 'spiffe://stranger.example/billing';
const WAIT_MS = 20_000;
const CLOSED = /alert|ECONNRESET|socket hang up|disconnected|EPROTO|EPIPE/;

interface Pair {
  readonly certPem: string;
  readonly keyPem: string;
}

const partner = createTestAuthority(`${PARTNER}-CA`);
const billing = (uri = BILLING, authority = partner): Pair =>
  authority.issue({ uris: [uri], eku: ['clientAuth', 'serverAuth'] });

/** @param named trust domains that the ingress lets in besides its own */
async function start({
  named = [PARTNER],
  tls = '',
}: {
  readonly named?: readonly string[];
  readonly tls?: string;
} = {}) {
  await using started = new AsyncDisposableStack();
  const attestPeer = async () => ({ pid: 1, selectors: new Set(['unix:uid:1']), isAlive: () => true });
  const authority = started.use(await startWorkloadAuthority({ attestPeer }));
  const selectors = ['unix:uid:1'];
  authority.register(
    { spiffeId: GATEWAY, selectors, hint: 'gateway' },
    { spiffeId: ORDER, selectors, hint: 'order', dnsNames: ['localhost'] },
  );
  authority.trust(PARTNER, partner.der);
  const known = [GATEWAY, BILLING, STRANGER];
  const reloadable = started.use(
    await startReloadable({
      tls: `{ enabled: true, source: workload_api, client_auth: require, client_trust_domains: [${named.join(', ')}]${tls} }`,
      allowed: known,
      identities: Object.fromEntries(known.map((id) => [id, 'api-gateway'])),
      extra: `workload_api: { socket: "${authority.socket}", hint: order, timeout: 5s }
admin: { addr: "127.0.0.1:0" }`,
    }),
  );
  /** On a connection of its own; 0: the handshake fails. */
  const ask = async (pair: Pair): Promise<number> => {
    using client = reloadable.client(pair, authority.bundle());
    return await statusOf(client);
  };
  const running = started.move();
  return {
    authority,
    reloadable,
    ask,
    /** Asked until it is so. */
    becomes: async (pair: Pair, expected: number) => {
      await until(async () => (await ask(pair)) === expected, WAIT_MS);
      assert.equal(await ask(pair), expected);
    },
    /** How many requests were refused because of their certificate, once it is as many. */
    refused: async (expected: number) => {
      const count = (): number => reloadable.sidecar.stdout().match(/"peer_identity_invalid"/g)?.length ?? 0;
      await until(() => count() >= expected, WAIT_MS);
      assert.equal(count(), expected);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function statusOf(client: ReturnType<Reloadable['client']>): Promise<number> {
  try {
    return (await client.get()).status ?? 0;
  } catch (error) {
    assert.match(String(error), CLOSED);
    return 0;
  }
}

/** Our own gateway, as it is now. */
async function gateway({ socket }: WorkloadAuthority): Promise<Pair> {
  const api = workloadApi({ socket, clock: CLOCK, schedule: SCHEDULE, random: Math.random });
  const { svids } = await api.watchX509().first();
  api.close();
  const own = svids.find(({ hint }) => hint === 'gateway');
  return { certPem: own?.cert ?? '', keyPem: own?.key ?? '' };
}

/** What our own authority would never sign. */
async function signedByUs(authority: WorkloadAuthority, uri: string): Promise<Pair> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const names = { dnsNames: [], ipAddresses: [], spiffeIds: [uri] };
  const request = { profile: 'svid', commonName: 'workload', organization: 'Example', validForMs: 3_600_000 } as const;
  const leaf = await issueBelow({ ...request, ...names }, privateKey, authority.signing(), Date.now());
  return { certPem: String(leaf), keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

/** A list of our own authority. */
function listOf(authority: WorkloadAuthority, ...revoked: readonly Pair[]): Buffer {
  const now = Date.now();
  const entries = revoked.map(({ certPem }) => ({
    serialNumber: new X509Certificate(certPem).serialNumber,
    revokedAt: now - 60_000,
  }));
  return issueRevocationList({ entries, thisUpdate: now - 60_000, nextUpdate: now + 3_600_000 }, authority.signing());
}

test('S4-083 a trust domain that the Workload API federates with is nobody at an ingress that does not name it', async () => {
  await using system = await start({ named: [] });
  assert.equal(await system.ask(billing()), 0);
  assert.equal(await system.ask(await signedByUs(system.authority, BILLING)), 403, 'not by our own authority either');
  assert.equal(await system.ask(await gateway(system.authority)), 200);
});

describe('S4-083 a bundle speaks for the IDs of its own trust domain alone', () => {
  const below = partner.intermediate();
  const REFUSED: readonly (readonly [title: string, pair: (authority: WorkloadAuthority) => Pair | Promise<Pair>])[] = [
    ['an ID of ours that the partner has signed', () => billing(GATEWAY)],
    ['an ID of ours that an intermediate of the partner has signed', () => billing(GATEWAY, below)],
    ['an ID of the partner that we have signed', (authority) => signedByUs(authority, BILLING)],
    ['an ID of somebody else that the partner has signed', () => billing(STRANGER)],
    ['an ID of somebody else that we have signed', (authority) => signedByUs(authority, STRANGER)],
  ];
  test('so no other is believed, with and without intermediates, and each side is served', async () => {
    await using system = await start();
    for (const [title, pair] of REFUSED) {
      assert.equal(await system.ask(await pair(system.authority)), 403, title);
    }
    await system.refused(REFUSED.length);
    assert.equal(await system.ask(billing()), 200, system.reloadable.sidecar.stdout());
    assert.equal(await system.ask(billing(BILLING, below)), 200);
    assert.equal(await system.ask(await gateway(system.authority)), 200);
  });
});

test('S4-083 S4-088 a partner whose bundle is gone is refused, on open connections too, the log and the health say so, and the others notice nothing', async () => {
  await using system = await start();
  const { authority, reloadable } = system;
  const own = await gateway(authority);
  const load = underLoad(reloadable, 2, () => reloadable.client(own, authority.bundle()));
  using open = reloadable.client(billing(), authority.bundle());
  assert.equal(await statusOf(open), 200);
  authority.trust(PARTNER);
  await system.becomes(billing(), 0);
  assert.notEqual(await statusOf(open), 200);
  assert.match(reloadable.sidecar.stderr(), /nobody of it is trusted/);
  const health = await fetch(`http://${String(reloadable.sidecar.listening?.['admin'])}/health`);
  const { trust_domains: trustDomains } = (await health.json()) as { trust_domains: unknown };
  assert.deepEqual(trustDomains, [{ name: PARTNER, known: false }]);
  authority.trust(PARTNER, partner.der);
  await system.becomes(billing(), 200);
  assert.deepEqual(await load.end(), []);
});

test('S4-088 a partner changes its root under load, and no request of its workloads fails', async () => {
  await using system = await start();
  const { authority, reloadable } = system;
  const next = createTestAuthority(`${PARTNER}-CA`);
  const before = billing();
  const during = underLoad(reloadable, 2, () => reloadable.client(before, authority.bundle()));
  authority.trust(PARTNER, partner.der, next.der);
  const after = billing(BILLING, next);
  await system.becomes(after, 200);
  await until(() => during.sent() > 50, WAIT_MS);
  assert.deepEqual(await during.end(), []);
  const late = underLoad(reloadable, 2, () => reloadable.client(after, authority.bundle()));
  authority.trust(PARTNER, next.der);
  await system.becomes(before, 0);
  await until(() => late.sent() > 50, WAIT_MS);
  assert.deepEqual(await late.end(), []);
  assert.ok(during.sent() > 50 && late.sent() > 50);
});

test('S4-014 our revocation lists speak for our workloads: a revoked one is refused beside a partner that publishes none', async () => {
  await using system = await start();
  const { authority, reloadable } = system;
  const [revoked, kept] = [await gateway(authority), await gateway(authority)];
  using open = reloadable.client(revoked, authority.bundle());
  assert.equal(await statusOf(open), 200);
  authority.publishLists(listOf(authority, revoked));
  await system.becomes(revoked, 403);
  assert.notEqual(await statusOf(open), 200, 'nor on a connection that was open');
  assert.equal(await system.ask(kept), 200);
  assert.equal(await system.ask(billing()), 200);
  // Whoever no list speaks for is refused as well.
  authority.publishLists(Buffer.from(partner.revocationList().replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'));
  await system.becomes(kept, 403);
  assert.equal(await system.ask(billing()), 200);
});
