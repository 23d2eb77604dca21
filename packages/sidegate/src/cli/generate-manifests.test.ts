/** What a cluster is told: nothing that the sidecars do not say, nothing secret, and for the seed's service exactly its policies. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { type Manifest, readManifests } from '../../../../tests/support/manifests.ts';

const MAIN = path.join(import.meta.dirname, 'main.ts');
const EXAMPLE = path.resolve(import.meta.dirname, '../../../../examples/kubernetes');
const THREE_ZONES = path.resolve(import.meta.dirname, '../../../../examples/three-zones');
const scratch = mkdtempSync(path.join(tmpdir(), 'sidegate-manifests-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** No value of a secret may come from here. */
const SECRETS = {
  DATABASE_URL: 'postgres://hunter2@db',
  JWT_SIGNING_KEY: 'hunter2',
  ORDER_SERVICE_CLIENT_SECRET: 'hunter2',
};

function run(...args: readonly string[]) {
  const command = ['--conditions=@sidegate/source', MAIN, 'generate', ...args];
  return spawnSync(process.execPath, command, { encoding: 'utf8', env: { ...process.env, ...SECRETS } });
}

let folders = 0;
function folder(): string {
  folders += 1;
  const made = path.join(scratch, String(folders));
  mkdirSync(made);
  return made;
}

const known = new Map<string, Generated>();

interface Generated {
  readonly texts: readonly string[];
  readonly manifests: readonly Manifest[];
}

/** @returns every file that was written; what is asked for twice is made once */
function generated(kind: string, cluster = EXAMPLE, ...options: readonly string[]): Generated {
  const key = JSON.stringify([kind, cluster, options]);
  const made = known.get(key) ?? generate(kind, cluster, options);
  known.set(key, made);
  return made;
}

function generate(kind: string, cluster: string, options: readonly string[]): Generated {
  const out = folder();
  const { status, stderr } = run(kind, cluster, '--out', out, ...options);
  assert.equal(status, 0, stderr);
  const texts = readdirSync(out).map((name) => readFileSync(path.join(out, name), 'utf8'));
  return { texts, manifests: texts.flatMap((text) => readManifests(text)) };
}

function only(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const [found, ...more] = manifests.filter((each) => each.kind === kind && each.metadata.name === name);
  assert.ok(found !== undefined && more.length === 0, `one ${kind} ${name}`);
  return found;
}

/** The example with one thing changed. */
function changed(file: string, change: (text: string) => string): string {
  const copy = folder();
  cpSync(EXAMPLE, copy, { recursive: true });
  const before = readFileSync(path.join(copy, file), 'utf8');
  assert.notEqual(change(before), before);
  writeFileSync(path.join(copy, file), change(before));
  return copy;
}

describe('nothing is written', () => {
  const CALLER = 'spiffe://cluster.local/ns/production/sa/order-service';
  const ROWS: readonly (readonly [title: string, cluster: () => string, message: RegExp])[] = [
    ['for a cluster.yaml that is not there', () => 'nowhere', /cannot be read/],
    [
      'for a client by its name, which no mesh knows',
      () => changed('payment-service.yaml', (text) => text.replace(CALLER, 'CN=order-service,O=MyOrg')),
      /payment-service\.yaml: error: .*CN=order-service,O=MyOrg is no service account/,
    ],
    [
      'for a client of another trust domain with the name of one of ours',
      () =>
        changed('payment-service.yaml', (text) => text.replace(CALLER, 'spiffe://partner.example/zone1/order-service')),
      /is no service account/,
    ],
    [
      'for a file that no volume brings',
      () => changed('order-service.yaml', (text) => text.replace('/etc/certs/ca.crt', '/etc/authorities/ca.crt')),
      /names \/etc\/authorities\/ca\.crt, which is on no volume/,
    ],
    [
      'for a variable that is no secret',
      () => changed('order-service.yaml', (text) => text.replace('name: order-service', 'name: "${UNKNOWN}"')),
      /order-service\.yaml:3:.*UNKNOWN/,
    ],
    [
      'for a private key in a folder',
      () => changed('policies/order.rego', (text) => `${text}\n# -----BEGIN PRIVATE KEY-----\n`),
      /holds a private key/,
    ],
    [
      'for a volume within another',
      () => changed('cluster.yaml', (text) => text.replace('/etc/authz/policies', '/etc/certs/policies')),
      /cluster\.yaml:\d+:\d+: error: .*is below \/etc\/certs, which is a volume, too/,
    ],
    [
      'for a mistake in a sidecar configuration, with its place',
      () => changed('order-service.yaml', (text) => text.replace('client_auth: require', 'client_auth: maybe')),
      /order-service\.yaml:12:\d+: error/,
    ],
  ];
  for (const [title, cluster, message] of ROWS) {
    test(title, () => {
      const out = folder();
      const { status, stdout, stderr } = run('kubernetes', cluster(), '--out', out);
      assert.deepEqual([status, stdout, readdirSync(out)], [78, '', []]);
      assert.match(stderr, message);
    });
  }

  test('for secrets without a store', () => {
    const { status, stderr } = run('external-secrets', THREE_ZONES, '--out', folder());
    assert.equal(status, 78);
    assert.match(stderr, /has nothing to write \(external-secrets needs secret_store/);
  });

  for (const args of [
    ['istio', EXAMPLE, '--api-version', 'v2'],
    ['kubernetes', EXAMPLE, '--revision', 'a\nb'],
    ['kubernetes'],
  ]) {
    test(`for generate ${args.map((arg) => JSON.stringify(path.basename(arg))).join(' ')}`, () => {
      const { status, stdout } = run(...args);
      assert.deepEqual([status, stdout], [64, '']);
    });
  }
});

test('no value of a secret is in any file, nor in what the command prints', () => {
  for (const cluster of [EXAMPLE, THREE_ZONES]) {
    const out = folder();
    const { stdout, stderr } = run('kubernetes', cluster, '--out', out, '--json');
    const texts = readdirSync(out).map((name) => readFileSync(path.join(out, name), 'utf8'));
    assert.ok(texts.length > 2);
    for (const text of [...texts, stdout, stderr]) {
      assert.doesNotMatch(text, /hunter2|value-of-|the-secret-of-a-file|PRIVATE KEY/);
      assert.doesNotMatch(text, /^kind: Secret$/m);
    }
  }
});

test('S0-16 S4-030 every call in the namespace needs a certificate of the mesh', () => {
  const { manifests } = generated('istio');
  assert.deepEqual(
    manifests.find(({ kind }) => kind === 'PeerAuthentication'),
    {
      apiVersion: 'security.istio.io/v1beta1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace: 'production' },
      spec: { mtls: { mode: 'STRICT' } },
    },
  );
});

test('S4-032 S4-033 S4-034 order-service takes calls of its two clients alone, and only those that its routes have', () => {
  const { manifests } = generated('istio');
  assert.deepEqual(only(manifests, 'AuthorizationPolicy', 'order-service-authz'), {
    apiVersion: 'security.istio.io/v1beta1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'order-service-authz', namespace: 'production' },
    spec: {
      selector: { matchLabels: { app: 'order-service' } },
      rules: [
        {
          from: [
            {
              source: {
                principals: [
                  'cluster.local/ns/production/sa/checkout-service',
                  'cluster.local/ns/production/sa/fulfillment-service',
                ],
              },
            },
          ],
          to: [{ operation: { methods: ['GET', 'POST'], paths: ['/orders', '/orders/*'] } }],
        },
      ],
    },
  });
});

test('the policies are those of v1, too', () => {
  const { manifests } = generated('istio', EXAMPLE, '--api-version', 'v1');
  assert.deepEqual([...new Set(manifests.map(({ apiVersion }) => apiVersion))], ['security.istio.io/v1']);
});

test('a matrix of permissions narrows who may use which route', () => {
  const cluster = changed('cluster.yaml', (text) =>
    text.replace('config: order-service.yaml', 'config: order-service.yaml\n    permissions: { file: matrix.yaml }'),
  );
  writeFileSync(
    path.join(cluster, 'matrix.yaml'),
    'checkout-service: [orders:write]\nfulfillment-service: [orders:read]\n',
  );
  const file = path.join(cluster, 'order-service.yaml');
  const scoped = readFileSync(file, 'utf8')
    .replace(
      'enabled: false # the certificate says who calls; a service that acts for users wants a token, too',
      'enabled: true',
    )
    .replace('methods: [GET, POST]', 'methods: [POST]\n      required_scopes: ["orders:write"]')
    .concat('jwt: { issuer: "https://idp.example/realms/services", audience: order-service }\n');
  writeFileSync(file, scoped);
  const policy = only(generated('istio', cluster).manifests, 'AuthorizationPolicy', 'order-service-authz');
  const { rules } = policy.spec as { readonly rules: readonly { readonly from: unknown }[] };
  assert.deepEqual(
    rules.map(({ from }) => from),
    [[{ source: { principals: ['cluster.local/ns/production/sa/checkout-service'] } }]],
  );
});

test('S4-102 S4-103 the secrets of order-service are read from the store every hour, its Secret is made of them', () => {
  const { manifests } = generated('external-secrets');
  const secret = only(manifests, 'ExternalSecret', 'order-service-secrets');
  assert.deepEqual([secret.apiVersion, secret.metadata.namespace], ['external-secrets.io/v1beta1', 'production']);
  assert.deepEqual(secret.spec, {
    refreshInterval: '1h',
    secretStoreRef: { name: 'aws-secretsmanager', kind: 'ClusterSecretStore' },
    target: {
      name: 'order-service-secrets',
      creationPolicy: 'Owner',
      template: {
        engineVersion: 'v2',
        data: { DATABASE_URL: '{{ .database_url }}', JWT_SIGNING_KEY: '{{ .jwt_signing_key }}' },
      },
    },
    data: [
      { secretKey: 'database_url', remoteRef: { key: 'production/order-service/database', property: 'url' } },
      { secretKey: 'jwt_signing_key', remoteRef: { key: 'production/order-service/jwt', property: 'private_key' } },
    ],
  });
});

test('S4-094 each deployment has the secrets read from their store again, and starts pods that read them', () => {
  const of = (revision: string) => generate('kubernetes', EXAMPLE, ['--revision', revision]).manifests;
  const [first, again, second] = [of('c0ffee'), of('c0ffee'), of('deadbee')];
  const annotations = (manifests: readonly Manifest[]) => [
    only(manifests, 'ExternalSecret', 'order-service-secrets').metadata['annotations'],
    templateOf(only(manifests, 'Deployment', 'order-service')).metadata.annotations,
  ];
  assert.deepEqual(annotations(first), annotations(again));
  const [before, after] = [annotations(first), annotations(second)];
  // Any other annotation has the operator read its store at once.
  assert.deepEqual(before[0], { 'force-sync': 'c0ffee' });
  assert.deepEqual(after[0], { 'force-sync': 'deadbee' });
  assert.notDeepEqual(before[1], after[1]);
});

test('a changed policy starts new pods, since what they read has another checksum', () => {
  const cluster = changed('policies/order.rego', (text) => `${text}\n# another\n`);
  const checksum = (place: string) =>
    templateOf(only(generated('kubernetes', place).manifests, 'Deployment', 'order-service')).metadata.annotations[
      'sidegate.dev/checksum'
    ];
  assert.notEqual(checksum(EXAMPLE), checksum(cluster));
});

interface Template {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: {
    readonly securityContext: unknown;
    readonly automountServiceAccountToken: unknown;
    readonly serviceAccountName: unknown;
    readonly initContainers?: readonly Container[];
    readonly containers: readonly Container[];
  };
}
interface Container {
  readonly name: string;
  readonly securityContext: unknown;
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly ports?: readonly { readonly containerPort: number }[];
  readonly readinessProbe?: unknown;
  readonly livenessProbe?: unknown;
}
const templateOf = ({ spec }: Manifest): Template => (spec as { readonly template: Template }).template;

describe('the pods of both examples', () => {
  const all = [EXAMPLE, THREE_ZONES].flatMap((cluster) => generated('kubernetes', cluster).manifests);
  const deployments = all.filter(({ kind }) => kind === 'Deployment');

  test('run as nobody, without capabilities, on a file system that nobody writes to', () => {
    assert.equal(deployments.length, 6);
    for (const deployment of deployments) {
      const { spec } = templateOf(deployment);
      const { runAsNonRoot, seccompProfile } = spec.securityContext as Readonly<Record<string, unknown>>;
      assert.deepEqual([runAsNonRoot, seccompProfile], [true, { type: 'RuntimeDefault' }]);
      assert.deepEqual([spec.automountServiceAccountToken, spec.serviceAccountName], [false, deployment.metadata.name]);
      for (const { securityContext } of [...(spec.initContainers ?? []), ...spec.containers]) {
        assert.deepEqual(securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  test('start the sidecar first, and have it probed on its admin listener', () => {
    for (const deployment of deployments) {
      const [sidecar, ...more] = templateOf(deployment).spec.initContainers ?? [];
      assert.ok(sidecar !== undefined && more.length === 0);
      assert.equal((sidecar as { restartPolicy?: unknown }).restartPolicy, 'Always');
      assert.deepEqual(sidecar.readinessProbe, { httpGet: { path: '/ready', port: 'admin' }, periodSeconds: 5 });
      assert.deepEqual(sidecar.livenessProbe, { httpGet: { path: '/live', port: 'admin' }, periodSeconds: 10 });
    }
  });

  test('are reached on the port of the sidecar alone, by those whom it takes calls from', () => {
    const policies = all.filter(({ kind }) => kind === 'NetworkPolicy');
    assert.equal(policies.length, deployments.length);
    const callers = policies.map(({ metadata: { name }, spec }) => {
      const { ingress, policyTypes, podSelector } = spec as {
        readonly ingress: readonly {
          readonly from?: readonly { readonly podSelector: { readonly matchLabels: { readonly app: string } } }[];
          readonly ports: unknown;
        }[];
        readonly [key: string]: unknown;
      };
      assert.deepEqual([policyTypes, podSelector], [['Ingress'], { matchLabels: { app: name } }]);
      assert.deepEqual(
        ingress.map(({ ports }) => ports),
        [[{ protocol: 'TCP', port: 8443 }]],
      );
      return [name, ingress[0]?.from?.map(({ podSelector: { matchLabels } }) => matchLabels.app)];
    });
    assert.deepEqual(callers, [
      ['order-service', ['checkout-service', 'fulfillment-service']],
      ['payment-service', ['order-service']],
      ['api-gateway', undefined],
      ['data-service', ['order-service', 'payment-service']],
      ['order-service', ['api-gateway']],
      ['payment-service', ['api-gateway']],
    ]);
  });

  test('get a secret in the container that names it, and nowhere else', () => {
    const [zones] = [generated('kubernetes', THREE_ZONES).manifests];
    const { initContainers, containers } = templateOf(only(zones, 'Deployment', 'order-service')).spec;
    const fromSecrets = (each: readonly Container[] | undefined) =>
      each?.flatMap(({ env }) => env.filter(({ valueFrom }) => valueFrom !== undefined).map(({ name }) => name));
    assert.deepEqual(fromSecrets(initContainers), ['ORDER_SERVICE_CLIENT_SECRET']);
    assert.deepEqual(fromSecrets(containers), []);
  });
});
