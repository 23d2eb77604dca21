/** `docker compose config` on the example: Compose itself reads the file, and sees in it what our tests see. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { COMPOSE_FILE, interpolated, readCompose } from '../support/compose.ts';
import { composeBinary, withoutCompose } from './compose-binary.ts';

const skip = withoutCompose();
const VARIABLES = [
  'API_GATEWAY_CLIENT_SECRET',
  'ORDER_SERVICE_CLIENT_SECRET',
  'PAYMENT_SERVICE_CLIENT_SECRET',
  'LAB_PASSWORD_JOHN',
  'LAB_PASSWORD_MARY',
  'LAB_PASSWORD_PAUL',
];
const SECRETS = Object.fromEntries(VARIABLES.map((name) => [name, `canary-${name.toLowerCase()}`]));

interface Resolved {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string;
        readonly environment?: Readonly<Record<string, string>>;
        readonly volumes?: readonly {
          readonly source: string;
          readonly target: string;
          readonly read_only?: boolean;
        }[];
        readonly ports?: readonly { readonly target: number; readonly published: string }[];
        readonly networks?: Readonly<Record<string, { readonly aliases?: readonly string[] } | null>>;
        readonly network_mode?: string;
      }
    >
  >;
}

function config(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const options = {
    cwd: path.dirname(COMPOSE_FILE),
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  } as const;
  return spawnSync(composeBinary() ?? 'docker-compose', ['--file', COMPOSE_FILE, 'config', ...args], options);
}

for (const name of VARIABLES) {
  test(`S3-221 S3-226 docker compose config refuses to go on without ${name}, by its name`, { skip }, () => {
    const { status, stderr } = config(Object.fromEntries(Object.entries(SECRETS).filter(([key]) => key !== name)));
    assert.notEqual(status, 0);
    assert.match(stderr, new RegExp(`required variable ${name} is missing`));
  });
}

test('S3-226 docker compose config passes, and means by the file what the other tests read in it', { skip }, () => {
  const { status, stdout, stderr } = config(SECRETS, '--format', 'json');
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '', 'nothing to complain about');
  const { services } = JSON.parse(stdout) as Resolved;
  const seen = Object.entries(services).map(([name, { image, environment = {}, volumes = [], ...rest }]) => ({
    name,
    image,
    environment,
    mounts: volumes.map(({ source, target, read_only: readOnly = false }) => ({ source, target, readOnly })),
    ports: (rest.ports ?? []).map(({ published, target }) => `${published}:${target}`),
    networks: Object.entries(rest.networks ?? {})
      .map(([network, options]) => `${network} ${options?.aliases?.join() ?? ''}`)
      .sort(),
    namespaceOf: rest.network_mode?.replace('service:', ''),
  }));
  const read = [...readCompose().services].map(
    ([name, { image, environment, mounts, ports, networks, namespaceOf }]) => ({
      name,
      image,
      environment: Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [key, interpolated(value, SECRETS)]),
      ),
      mounts,
      ports,
      networks: [...networks].map(([network, aliases]) => `${network} ${aliases.join()}`).sort(),
      namespaceOf,
    }),
  );
  const byName = (a: { readonly name: string }, b: { readonly name: string }): number => a.name.localeCompare(b.name);
  assert.deepEqual(seen.sort(byName), read.sort(byName));
});
