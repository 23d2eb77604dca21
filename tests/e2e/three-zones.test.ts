/** The main job as a user runs it: all processes, once with our own files and once with the seed's. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import type { AuditLine } from '../../packages/sidegate/src/lab/audit-feed.ts';
import type { AttackEvent, CheckEvent, HopEvent, LabEvent } from '../../packages/sidegate/src/lab/event.ts';
import { alive, auditTrail, type LabRun, runLab, SEED } from '../support/lab-run.ts';

const seed = { skip: !existsSync(SEED) && process.env['CI'] !== 'true' && 'no ../shared here' };

// One after the other: two cold starts at a time would measure each other.
const own = runLab();
const fromSeed = seed.skip === false ? own.then(() => runLab('--from', SEED)) : own;
after(async () => {
  await using _own = await own;
  await using _seed = await fromSeed;
});

const runs = [
  { whose: 'our files', run: own, options: {} },
  { whose: "the seed's files", run: fromSeed, options: seed },
] as const;

const hops = ({ events }: LabRun): HopEvent[] => events.filter((event) => event.event === 'hop');
const ordering = (run: LabRun): HopEvent[] => hops(run).filter(({ request }) => request === 'john orders');
const checks = ({ events }: LabRun, id: string): CheckEvent[] =>
  events.filter((event): event is CheckEvent => event.event === 'check' && event.id === id);
const attacks = ({ events }: LabRun, id: string): AttackEvent[] =>
  events.filter((event): event is AttackEvent => event.event === 'attack' && event.ids.includes(id));
const failed = (results: readonly (CheckEvent | AttackEvent)[]): string[] =>
  results
    .filter(({ ok }) => !ok)
    .map(({ what, expected, observed }) => `${what}: expected ${expected}, observed ${observed}`);

const PROMISES: readonly (readonly [id: string, promise: string])[] = [
  ['S3-085', 'step 1: the password grant gives a bearer token'],
  ['S3-086', 'step 1: the token names john, his mail address, his roles and an expiry'],
  ['S3-093', 'step 1: one token has all three audiences'],
  ['S3-087', 'step 2: the order goes to the gateway as JSON with the token'],
  ['S3-088', 'step 3: TLS ends at the gateway, the token is taken from Authorization'],
  ['S3-089', "step 3: the signature is checked with the issuer's key"],
  ['S3-094', 'step 3: data.gateway.allow decides by method and path'],
  ['S3-095', 'step 4: the route leads to order-service and /orders'],
  ['S3-096', 'step 4: the zone 2 certificate and the token of the user go along'],
  ['S3-097', 'step 5: the client is found in the list'],
  ['S3-098', 'step 5: data.order.allow decides by certificate, token and role'],
  ['S3-062', 'step 5: the app knows the user from the sidecar'],
  ['S3-100', 'step 6: the app calls its egress by plain HTTP'],
  ['S3-101', 'step 7: the token cache is looked at first'],
  ['S3-102', 'step 7: one client credentials grant serves both calls'],
  ['S3-103', 'step 7: zone 3 certificate, service token and user context go along'],
  ['S3-104', 'step 8: certificate, issuer and azp are accepted'],
  ['S3-105', 'step 8: read-inventory is required and held'],
  ['S3-106', 'step 8: the audit line says who did what for whom'],
  ['S3-107', 'steps 9 to 12: write-orders is required and held'],
  ['S3-108', 'step 13: the user gets 201'],
  ['S3-021', 'the user token is of the realm users'],
  ['S3-068', 'the order can be looked at'],
  ['S3-073', 'payment-service creates a payment'],
  ['S3-082', 'payment-service reads orders and writes payments'],
  ['S3-232', 'one correlation id runs through all hops'],
  ['SD-14', 'the password grant exists in the lab realm only'],
];

const WAYS_IN: readonly (readonly [id: string, sentence: string, tries: number])[] = [
  ['S3-110', 'the user reaches the gateway by user token, and by nothing else', 3],
  ['S3-111', 'the gateway reaches order-service by certificate and user token, and by nothing less', 5],
  ['S3-112', 'the gateway reaches payment-service by certificate and user token, and by nothing less', 5],
  ['S3-113', 'order-service reaches data-service by certificate and its own token, and by nothing less', 5],
  ['S3-114', 'payment-service reaches data-service by certificate and its own token, and by nothing less', 5],
  ['S3-090', 'an expired token is refused', 1],
  ['S3-091', 'a token of another issuer is refused', 1],
  ['S3-092', 'a token for another audience is refused', 1],
  ['S3-034', 'a token without expiry is refused', 1],
  ['S3-014', 'a stolen token is useless without the certificate it is bound to', 2],
  ['S3-016', 'a certificate with the token of another service is refused', 2],
  ['S3-083', 'payment-service cannot write orders', 1],
  ['S3-084', 'payment-service cannot read the inventory, order-service cannot write payments', 2],
  ['S3-070', 'paying needs payments:create', 1],
  ['S3-099', 'the app hears nothing of a request that was refused', 1],
  ['S3-035', 'forged identity headers do not reach the apps', 1],
  ['S3-012', 'the identity comes from the certificate and the token, never from a header', 1],
  ['S3-045', 'the egress serves its routes only', 1],
  ['S3-058', 'a path without a route is 404 at the gateway', 1],
  ['S3-201', 'a path that only looks like another needs its own permission', 1],
];

for (const { whose, run, options } of runs) {
  for (const [id, promise] of PROMISES) {
    test(`${id} ${promise} (${whose})`, options, async () => {
      const results = checks(await run, id);
      assert.equal(results.length, 1);
      assert.deepEqual(failed(results), []);
    });
  }

  for (const [id, sentence, tries] of WAYS_IN) {
    test(`${id} ${sentence} (${whose})`, options, async () => {
      const results = attacks(await run, id);
      assert.equal(results.length, tries);
      assert.deepEqual(failed(results), []);
    });
  }

  test(`S3-109 the whole walk-through holds, over real TLS and a token server (${whose})`, options, async () => {
    const { exitCode, events, stderr } = await run;
    const summary = events.at(-1);
    assert.ok(summary?.event === 'summary', stderr);
    assert.deepEqual(summary.failed, []);
    assert.equal(exitCode, 0);
  });

  test(`S3-115 every hop has the credentials of the summary (${whose})`, options, async () => {
    const seen = ordering(await run)
      .filter(({ direction }) => direction === 'ingress')
      .map(({ service, caller, token }) => `${service}: ${caller ?? 'TLS'}, ${token?.issuer?.split('/').at(-1)}`);
    assert.deepEqual(seen, [
      'api-gateway: TLS, users',
      'order-service: spiffe://example.org/zone1/api-gateway, users',
      'data-service: spiffe://example.org/zone2/order-service, services',
      'data-service: spiffe://example.org/zone2/order-service, services',
    ]);
  });

  test(
    `S3-075 S3-044 data-service opens no egress, the others open theirs on loopback (${whose})`,
    options,
    async () => {
      const { events } = await run;
      const egress = (name: string): string | undefined =>
        events.flatMap((event) => (event.event === 'process' && event.name === name ? [event.addresses] : []))[0]?.[1];
      assert.equal(egress('data-service'), undefined);
      assert.match(egress('order-service') ?? '', /^127\.0\.0\.1:\d+$/);
      assert.match(egress('payment-service') ?? '', /^127\.0\.0\.1:\d+$/);
    },
  );

  test(
    `S3-052 S3-064 S3-116 S3-117 S3-118 each zone trusts its own authority, which signed its servers and clients (${whose})`,
    options,
    async () => {
      const { state } = await run;
      const issuerOf = (file: string): string | undefined =>
        /CN=(\S+)-CA/.exec(new X509Certificate(readFileSync(path.join(state, 'etc/certs', `${file}.crt`))).issuer)?.[1];
      const signed = [
        'order-service/server',
        'gateway/client-zone2',
        'data-service/server',
        'order-service/client-zone3',
      ];
      assert.deepEqual(signed.map(issuerOf), ['zone2', 'zone2', 'zone3', 'zone3']);
      const trusted = (service: string): string | undefined =>
        /client_ca_file: "?\S*\/(\w+)-ca\.crt/.exec(
          readFileSync(path.join(state, `etc/authz/${service}.yaml`), 'utf8'),
        )?.[1];
      assert.deepEqual(['order-service', 'payment-service', 'data-service'].map(trusted), ['zone2', 'zone2', 'zone3']);
    },
  );

  test(
    `S3-228 S3-229 S3-230 the three audit lines of an order have the promised fields (${whose})`,
    options,
    async () => {
      const result = await run;
      const correlationId = ordering(result)[0]?.correlation_id;
      const line = (service: string): AuditLine | undefined =>
        auditTrail(result, service).find(
          (audit) => audit.correlation_id === correlationId && audit.method === 'POST' && audit.direction === 'ingress',
        );
      assertFields(line('api-gateway'), {
        level: 'info',
        service: 'api-gateway',
        event: 'request',
        user_id: 'user-123',
        method: 'POST',
        path: '/api/v1/orders',
        downstream: 'order-service',
      });
      assertFields(line('order-service'), {
        level: 'info',
        service: 'order-service',
        event: 'request',
        mtls_client: 'api-gateway-client',
        user_context: 'user-123',
        method: 'POST',
        path: '/orders',
      });
      assertFields(line('data-service'), {
        mtls_client: 'order-service-client',
        calling_service: 'order-service',
        user_context: 'user-123',
        method: 'POST',
        path: '/orders',
        decision: 'allow',
      });
      assert.match(String(line('data-service')?.reasons), /service order-service has permission write-orders/);
    },
  );

  test(`S3-010 S3-231 every refusal is one deny line with a reason (${whose})`, options, async () => {
    const result = await run;
    const refused = result.events.filter((event) => event.event === 'attack' && !event.expected.startsWith('2'));
    const denied = ['api-gateway', 'order-service', 'payment-service', 'data-service'].flatMap((service) =>
      auditTrail(result, service).filter(({ decision }) => decision === 'deny'),
    );
    assert.equal(denied.length, refused.length);
    assert.ok(denied.every(({ reasons }) => Array.isArray(reasons) && reasons.length > 0));
  });

  test(`S3-231 no token, password or secret is in any log or in the output (${whose})`, options, async () => {
    const { state, stdout, stderr } = await run;
    const secrets = JSON.parse(readFileSync(path.join(state, 'secrets.json'), 'utf8')) as Record<string, string>;
    const logs = readdirSync(path.join(state, 'var/log')).map((file) =>
      readFileSync(path.join(state, 'var/log', file), 'utf8'),
    );
    for (const text of [...logs, stdout, stderr]) {
      assert.doesNotMatch(text, /eyJ[\w-]{10,}\.eyJ|PRIVATE KEY/);
      for (const [name, value] of Object.entries(secrets)) assert.ok(!text.includes(value), name);
    }
  });

  test(`what is kept for the next start is for its owner only (${whose})`, options, async () => {
    const { state } = await run;
    const kept = [
      'secrets.json',
      'etc/certs/ca/zone1-ca.key',
      'etc/certs/gateway/server.key',
      'etc/idp/keys/users.rs256.pem',
    ];
    assert.deepEqual(
      kept.map((file) => [file, statSync(path.join(state, file)).mode & 0o077]),
      kept.map((file) => [file, 0]),
    );
  });

  test(`no process is left behind (${whose})`, options, async () => {
    const { events } = await run;
    const pids = events.flatMap((event) => (event.event === 'process' ? [event.pid] : []));
    assert.equal(pids.length, 9);
    assert.deepEqual(pids.filter(alive), []);
  });
}

/** What the run with the seed's files must show of each row of the seeds' contradictions. */
const CORRECTED: readonly (readonly [id: string, sentence: string, holds: (run: LabRun) => boolean])[] = [
  [
    'SD-01',
    'servers trust the authority of their own zone, and the edges work',
    (run) => patched(run, 'SD-01', 3) && attacks(run, 'S3-111').every(({ ok }) => ok),
  ],
  [
    'SD-02',
    'client certificates are named as the policies expect',
    (run) => patched(run, 'SD-02', 1) && checks(run, 'S3-097').every(({ ok }) => ok),
  ],
  [
    'SD-03',
    'a client that is listed by its DN is accepted',
    (run) => patched(run, 'SD-03', 3) && checks(run, 'S3-104').every(({ ok }) => ok),
  ],
  [
    'SD-04',
    'certificates are v3 with names',
    ({ state }) =>
      /DNS:api-gateway\.zone1\.local/.test(
        new X509Certificate(readFileSync(path.join(state, 'etc/certs/gateway/server.crt'))).subjectAltName ?? '',
      ),
  ],
  [
    'SD-05',
    'a stolen token of a sibling is refused before any policy',
    (run) =>
      patched(run, 'SD-05', 3) && attacks(run, 'SD-05').length === 3 && attacks(run, 'SD-05').every(({ ok }) => ok),
  ],
  [
    'SD-06',
    'the audit object is there with the headers as configured',
    (run) => patched(run, 'SD-06', 3) && checks(run, 'S3-106').every(({ ok }) => ok),
  ],
  [
    'SD-07',
    'the data policy compiles and names the permission',
    (run) => patched(run, 'SD-07', 1) && checks(run, 'S3-105').every(({ ok }) => ok),
  ],
  [
    'SD-08',
    'look-alike paths and untyped expiries are refused',
    (run) =>
      patched(run, 'SD-08', 9) && attacks(run, 'SD-08').length === 2 && attacks(run, 'SD-08').every(({ ok }) => ok),
  ],
  [
    'SD-09',
    'one user token serves three audiences',
    (run) => patched(run, 'SD-09', 1) && checks(run, 'S3-093').every(({ ok }) => ok),
  ],
  [
    'SD-10',
    'the app, the egress and the stripped prefix have their keys',
    (run) => patched(run, 'SD-10', 9) && checks(run, 'S3-095').every(({ ok }) => ok),
  ],
  ['SD-11', 'the one outgoing connection of the ingress-only service is named', (run) => patched(run, 'SD-11', 1)],
  [
    'SD-12',
    'the realms that the seed leaves out are there',
    (run) => patched(run, 'SD-12', 1) && checks(run, 'S3-086').every(({ ok }) => ok),
  ],
  [
    'SD-13',
    'service is who writes the line, calling_service who called',
    (run) =>
      auditTrail(run, 'data-service').some(
        (line) => line.service === 'data-service' && line.calling_service === 'order-service',
      ),
  ],
  [
    'SD-14',
    'the password grant works in the realm that is marked as a lab only',
    (run) => patched(run, 'SD-14', 1) && checks(run, 'SD-14').every(({ ok }) => ok),
  ],
];
for (const [id, sentence, holds] of CORRECTED) {
  test(`${id} ${sentence}`, seed, async () => assert.ok(holds(await fromSeed)));
}

test('our own files need no correction', async () => {
  const { events } = await own;
  assert.deepEqual(
    events.filter(({ event }) => event === 'patch'),
    [],
  );
});

test("the seed's files are not touched", seed, async () => {
  await fromSeed;
  assert.match(readFileSync(path.join(SEED, 'order-service.yaml'), 'utf8'), /zone1-ca\.crt/);
});

function patched({ events }: LabRun, id: string, atLeast: number): boolean {
  return events.filter((event: LabEvent) => event.event === 'patch' && event.id === id).length >= atLeast;
}

function assertFields(line: AuditLine | undefined, fields: Partial<AuditLine> & { readonly level?: string }): void {
  const picked = Object.fromEntries(Object.entries(line ?? {}).filter(([name]) => name in fields));
  assert.deepEqual(picked, fields);
}
