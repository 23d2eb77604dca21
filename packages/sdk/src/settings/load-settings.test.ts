/** Settings of a process: every wrong one is named before anything starts, no secret is shown, and rotated secrets arrive. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { until } from '../../../../tests/support/until.ts';
import { ROLE_ID, SECRET_ID, startVaultServer } from '../../../../tests/support/vault-server.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import {
  boolean,
  duration,
  integer,
  type LoadOptions,
  loadSettings,
  oneOf,
  Secret,
  type Setting,
  SettingsError,
  secret,
  string,
  url,
  vault,
} from './index.ts';

const SCHEMA = {
  paymentServiceUrl: url(),
  idpTokenUrl: url(),
  paymentClientId: string(),
  paymentClientSecret: secret(),
  timeout: duration({ default: 5_000 }),
};
const ENV = {
  PAYMENT_SERVICE_URL: 'https://payment.internal/',
  IDP_TOKEN_URL: 'https://idp.internal/realms/main/protocol/openid-connect/token',
  PAYMENT_CLIENT_ID: 'order-service-prod',
  PAYMENT_CLIENT_SECRET: 'canary-secret',
};

async function scene() {
  const directory = await mkdtemp(path.join(tmpdir(), 'sidegate-settings-'));
  const at = (name: string): string => path.join(directory, name);
  return {
    at,
    write: async (name: string, content: unknown) => {
      await writeFile(at(name), typeof content === 'string' ? content : JSON.stringify(content));
      return at(name);
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

const load = (env: Readonly<Record<string, string>>, options: LoadOptions = {}) =>
  loadSettings(SCHEMA, { envFile: '/nowhere/.env', env, ...options });

/** What a start says that does not happen. */
async function findingsOf(loading: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await loading.then(
    () => assert.fail('it loaded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SettingsError, inspect(error));
  for (const shown of [error.message, inspect(error), JSON.stringify(error)]) assert.doesNotMatch(shown, /canary/);
  return error.findings.map(({ key, message }) => `${key}: ${message}`);
}

describe('a start stops', () => {
  test('S0-30 S0-31 S0-32 S0-33 S0-37 for every setting that is missing, by name', async () => {
    assert.deepEqual(await findingsOf(load({})), [
      'paymentServiceUrl: is missing: set PAYMENT_SERVICE_URL or PAYMENT_SERVICE_URL_FILE',
      'idpTokenUrl: is missing: set IDP_TOKEN_URL or IDP_TOKEN_URL_FILE',
      'paymentClientId: is missing: set PAYMENT_CLIENT_ID or PAYMENT_CLIENT_ID_FILE',
      'paymentClientSecret: is missing: set PAYMENT_CLIENT_SECRET or PAYMENT_CLIENT_SECRET_FILE',
    ]);
  });

  test('S0-37 for every setting that is malformed, without its value', async () => {
    const rows: readonly (readonly [Setting<unknown>, readonly string[], RegExp])[] = [
      [url(), ['', 'canary', 'ftp://canary', 'https://user:canary@host'], /must be an http or https URL/],
      [string(), [''], /must not be empty/],
      [string({ pattern: /^a+$/ }), ['canary'], /must match/],
      [duration(), ['canary', '5', '5 m', '-5m', '1.5h', '5mm'], /must be a number with a unit/],
      [integer({ min: 1, max: 9 }), ['canary', '0', '10', '1e0', ' 1', ''], /must be a whole number from 1 to 9/],
      [boolean(), ['canary', 'TRUE', '1', ''], /must be true or false/],
      [oneOf(['mtls', 'oauth']), ['canary', ''], /must be one of mtls, oauth/],
      [secret(), ['', 'canary\nx: y', 'canary\0'], /must be one line/],
    ];
    for (const [setting, texts, reason] of rows) {
      for (const text of texts) {
        const found = await findingsOf(loadSettings({ it: setting }, { envFile: '/nowhere', env: { IT: text } }));
        assert.match(found.join('\n'), reason);
      }
    }
  });

  test('S0-33 S0-62 for a secret that is written into a config file', async () => {
    await using files = await scene();
    for (const literal of ['canary', 'canary${X}', '${X}canary', '$X', '${}', 7]) {
      const configFile = await files.write('settings.json', { payment_client_secret: literal });
      const [only, another] = await findingsOf(
        load({ ...ENV, PAYMENT_CLIENT_SECRET: undefined as never }, { configFile }),
      );
      assert.match(
        only ?? '',
        /^paymentClientSecret: .* holds a secret: write \$\{PAYMENT_CLIENT_SECRET\} or a reference/,
      );
      assert.equal(another, undefined);
    }
  });

  test('for a config file with an unknown key, a reference to nothing, or no JSON', async () => {
    await using files = await scene();
    for (const [content, reason] of [
      [{ payment_clientid: 'canary' }, /payment_clientid: .* the program does not know it/],
      [{ timeout: '${CANARY_UNSET}' }, /timeout: .* refers to CANARY_UNSET, which is not set/],
      [{ timeout: ['5s'] }, /timeout: .* must be a text/],
      ['{"timeout": canary', /settings.json: is not JSON/],
      ['[]', /settings.json: must be a JSON object/],
    ] as const) {
      const found = await findingsOf(load(ENV, { configFile: await files.write('settings.json', content) }));
      assert.match(found.join('\n'), reason);
    }
    assert.match((await findingsOf(load(ENV, { configFile: files.at('none') }))).join(), /cannot be read/);
    const envFile = await files.write('.env', `A=${'x'.repeat(256 * 1024)}`);
    assert.match((await findingsOf(load(ENV, { envFile }))).join(), /\.env: cannot be read/);
  });

  test('for a file that is not there, a variable and its file at once, and a Vault that nobody told of', async () => {
    const { PAYMENT_CLIENT_SECRET, ...others } = ENV;
    for (const [env, reason] of [
      [
        { ...others, PAYMENT_CLIENT_SECRET_FILE: '/nowhere/secret' },
        /PAYMENT_CLIENT_SECRET_FILE names \/nowhere\/secret/,
      ],
      [{ ...others, PAYMENT_CLIENT_SECRET, PAYMENT_CLIENT_SECRET_FILE: '/x' }, /both PAYMENT_CLIENT_SECRET and/],
      [{ ...others, PAYMENT_CLIENT_SECRET: 'vault:secret/orders#key' }, /refers to Vault/],
      [{ ...others, PAYMENT_CLIENT_SECRET: 'vault:secret/../orders#key' }, /is no reference/],
      [{ ...others, PAYMENT_CLIENT_SECRET: 'vault:secret#key' }, /is no reference/],
      [{ ...others, PAYMENT_CLIENT_SECRET: 'vault:secret/a?b#key' }, /is no reference/],
    ] as const) {
      assert.match((await findingsOf(load(env))).join('\n'), reason);
    }
  });
});

describe('settings are read', () => {
  test('S0-29 S0-30 S0-31 S0-32 S0-33 as what they are', async () => {
    const { values } = await load({ ...ENV, TIMEOUT: '2m' });
    // The compiler knows each of them.
    const typed: {
      readonly paymentServiceUrl: string;
      readonly paymentClientSecret: Secret;
      readonly timeout: number;
    } = values;
    assert.equal(typed.paymentServiceUrl, 'https://payment.internal');
    assert.equal(typed.paymentClientSecret.reveal(), 'canary-secret');
    assert.equal(typed.timeout, 120_000);
    assert.equal((await load(ENV)).values.timeout, 5_000);
    assert.throws(() => Object.assign(values, { timeout: 1 }), TypeError);
  });

  test('a secret that the program can do without is undefined, and one when it is there', async () => {
    const schema = { serviceToken: secret({ optional: true }) };
    const options = { envFile: '/nowhere/.env' };
    assert.deepEqual((await loadSettings(schema, { ...options, env: {} })).values, { serviceToken: undefined });
    const { values } = await loadSettings(schema, { ...options, env: { SERVICE_TOKEN: 'canary' } });
    assert.equal(values.serviceToken?.reveal(), 'canary');
    await assert.rejects(loadSettings(schema, { ...options, env: { SERVICE_TOKEN: '' } }), SettingsError);
  });

  test('S0-35 from .env, where a real variable wins', async () => {
    await using files = await scene();
    const text = `# a comment\nPAYMENT_CLIENT_ID="from the file"\nTIMEOUT=1s\n${Object.entries(ENV)
      .filter(([name]) => name !== 'PAYMENT_CLIENT_ID')
      .map((pair) => pair.join('='))
      .join('\n')}\n`;
    const envFile = await files.write('.env', text);
    const { values } = await loadSettings(SCHEMA, { envFile, env: { TIMEOUT: '9s' } });
    assert.deepEqual([values.paymentClientId, values.timeout], ['from the file', 9_000]);
    assert.equal(values.paymentClientSecret.reveal(), 'canary-secret');
  });

  test('S0-33 S0-62 from a config file that refers to variables, in either spelling; variables win', async () => {
    await using files = await scene();
    const configFile = await files.write('settings.json', {
      payment_service_url: 'https://payment.example',
      idpTokenUrl: ENV.IDP_TOKEN_URL,
      payment_client_id: 'of-the-file',
      payment_client_secret: '${ORDER_SERVICE_CLIENT_SECRET}',
    });
    const env = { ORDER_SERVICE_CLIENT_SECRET: 'canary-secret', PAYMENT_CLIENT_ID: 'of-the-variable' };
    const { values } = await load(env, { configFile });
    assert.deepEqual(
      [values.paymentServiceUrl, values.paymentClientId],
      ['https://payment.example', 'of-the-variable'],
    );
    assert.equal(values.paymentClientSecret.reveal(), 'canary-secret');
  });
});

test('S0-38 a secret shows itself to nobody: text, JSON, inspect, templates, errors', async () => {
  const { values } = await load(ENV);
  const { paymentClientSecret } = values;
  const shown = [
    String(paymentClientSecret),
    ['x', paymentClientSecret].join(''),
    JSON.stringify(values),
    inspect(values, { depth: 9, showHidden: true }),
    new Error(`cannot use ${String(paymentClientSecret)}`, { cause: values }).message,
    inspect(new Error('x', { cause: values })),
  ];
  for (const text of shown) assert.doesNotMatch(text, /canary/);
  assert.match(shown.join(), /redacted/);
});

describe('S4-104 a secret that was replaced is picked up while the process runs', () => {
  test('in a file, with a callback; one that cannot be read leaves the old one', async () => {
    await using files = await scene();
    const time = manualTime();
    const file = await files.write('secret', 'canary-1\n');
    const problems: string[] = [];
    const { PAYMENT_CLIENT_SECRET: _, ...others } = ENV;
    const settings = await load(
      { ...others, PAYMENT_CLIENT_SECRET_FILE: file },
      {
        runtime: { ...systemRuntime(), ...time },
        onProblem: (key, { message }) => problems.push(`${key}: ${message}`),
      },
    );
    const rotated: string[] = [];
    const end = settings.onRotated((key) => rotated.push(key));
    const { paymentClientSecret } = settings.values;
    assert.equal(paymentClientSecret.reveal(), 'canary-1');
    await files.write('secret', 'canary-2\n');
    time.advance(30_000);
    await until(() => paymentClientSecret.reveal() === 'canary-2');
    assert.equal(paymentClientSecret.reveal(), 'canary-2');
    assert.deepEqual(rotated, ['paymentClientSecret']);
    await files.write('secret', '');
    await settings.refresh();
    await rm(file);
    await settings.refresh();
    assert.equal(paymentClientSecret.reveal(), 'canary-2');
    assert.equal(problems.length, 2);
    assert.doesNotMatch(problems.join(), /canary/);
    end();
    await files.write('secret', 'canary-3');
    await settings.refresh();
    assert.deepEqual([rotated.length, paymentClientSecret.reveal()], [1, 'canary-3']);
    await until(() => time.pending().length > 0);
    settings.close();
    assert.deepEqual(time.pending(), []);
  });

  test('S0-36 in Vault, from which the same keys come', async () => {
    await using server = await startVaultServer();
    await using files = await scene();
    server.secrets.set('secret/orders/payment', { client_secret: 'canary-1', id: 'order-service-prod' });
    const login = { method: 'approle', roleId: ROLE_ID, secretId: new Secret(SECRET_ID) } as const;
    const configFile = await files.write('settings.json', {
      payment_client_secret: 'vault:secret/orders/payment#client_secret',
      payment_client_id: 'vault:secret/orders/payment#id',
    });
    const { PAYMENT_CLIENT_SECRET: _, PAYMENT_CLIENT_ID: __, ...others } = ENV;
    const settings = await load(others, { configFile, vault: vault({ address: server.address, login }) });
    const { paymentClientSecret, paymentClientId } = settings.values;
    assert.deepEqual([paymentClientId, paymentClientSecret.reveal()], ['order-service-prod', 'canary-1']);
    server.secrets.set('secret/orders/payment', { client_secret: 'canary-2' });
    const rotated: string[] = [];
    settings.onRotated((key) => rotated.push(key));
    await settings.refresh();
    assert.deepEqual([rotated, paymentClientSecret.reveal()], [['paymentClientSecret'], 'canary-2']);
    server.secrets.clear();
    await settings.refresh();
    assert.equal(paymentClientSecret.reveal(), 'canary-2');
    settings.close();
    assert.match(
      (await findingsOf(load(others, { configFile, vault: vault({ address: server.address, login }) }))).join('\n'),
      /paymentClientSecret: Vault answered 404/,
    );
  });
});
