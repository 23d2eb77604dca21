/** `sidegate token` and `generate-service-token` as people, scripts and clusters call them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { CommanderError } from 'commander';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { parse } from 'yaml';
import { EXIT } from './exit-code.ts';
import { runLegacyTokenCommand } from './legacy-token-command.ts';
import { NODE_FLOOR, tooOldNode } from './node-floor.ts';
import type { Terminal } from './terminal.ts';
import { tokenCommand } from './token.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'sidegate-token-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = 'canary-secret-that-is-long-enough-for-hs256';
const OTHER = 'another-secret-that-is-long-enough-for-hs256';
const REPOSITORY = path.resolve(import.meta.dirname, '../../../..');
const ORCHESTRATOR = 'tenant-deletion-orchestrator';
const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;
const DAY = 86_400;

const keyFile = path.join(folder, 'signing-key.pem');
writeFileSync(keyFile, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
const inventory = path.join(folder, 'tokens.jsonl');

interface Outcome {
  readonly status: number | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command in this process, with a pipe behind it. */
async function run(
  command: (terminal: Terminal) => Promise<void>,
  env: Readonly<Record<string, string>>,
  { isTerminal = false, input = '' } = {},
): Promise<Outcome> {
  const outcome = { status: undefined as number | undefined, stdout: '', stderr: '' };
  await command({
    env,
    isTerminal,
    out: (text) => void (outcome.stdout += text),
    err: (text) => void (outcome.stderr += text),
    input: () => input,
    exit: (code) => void (outcome.status = code),
  });
  return outcome;
}

function tokenWith(args: readonly string[], env: Readonly<Record<string, string>> = {}, input = ''): Promise<Outcome> {
  return run(
    async (terminal) => {
      const command = tokenCommand(terminal);
      for (const one of [command, ...command.commands]) {
        one.exitOverride().configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
      }
      await command.parseAsync(['node', 'token', ...args]).catch((error: unknown) => {
        if (!(error instanceof CommanderError)) throw error;
        terminal.exit(EXIT.usage);
      });
    },
    env,
    { input },
  );
}

const token = (...args: readonly string[]): Promise<Outcome> => tokenWith([...args, '--key', keyFile]);
const keyless = (...args: readonly string[]): Promise<Outcome> => tokenWith(args);
const script = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = { JWT_SECRET_KEY: SECRET },
  isTerminal = false,
): Promise<Outcome> =>
  run((terminal) => runLegacyTokenCommand(['node', 'script', ...args], terminal), env, { isTerminal });

/** As somebody types it: processes of their own. */
function shell(line: string, env: Readonly<Record<string, string>> = { JWT_SECRET_KEY: SECRET }): Outcome {
  const command = line.replaceAll(/generate-service-token|sidegate(?= token)/g, (name) => {
    const file = path.join(import.meta.dirname, name === 'sidegate' ? 'main.ts' : `${name}.ts`);
    return `"${process.execPath}" --conditions=@sidegate/source "${file}"`;
  });
  const variables = { PATH: process.env['PATH'] ?? '', ...env };
  return spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8', cwd: folder, env: variables });
}

const mac = (claims: Readonly<Record<string, unknown>>, secret = SECRET) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret));
const now = (): number => Math.floor(Date.now() / 1000);
const good = () => ({ sub: 'auth-service', type: 'service', iat: now(), exp: now() + 60 });

describe('no token is made', () => {
  for (const [title, args, env, status, reason] of [
    ['S1-054 without JWT_SECRET_KEY', [ORCHESTRATOR], {}, 78, /^JWT_SECRET_KEY: error: is not set/],
    ['with an empty JWT_SECRET_KEY', [ORCHESTRATOR], { JWT_SECRET_KEY: '' }, 78, /JWT_SECRET_KEY is empty/],
    ['with a short one', [ORCHESTRATOR], { JWT_SECRET_KEY: 'canary' }, 78, /has 6 bytes/],
    [
      'with another JWT_ALGORITHM',
      [ORCHESTRATOR],
      { JWT_SECRET_KEY: SECRET, JWT_ALGORITHM: 'none' },
      78,
      /"none" is not HS256/,
    ],
    [
      'S1-063 for a service that nobody knows',
      ['mallory'],
      undefined,
      64,
      /"mallory" is no known service.*tenant-deletion-orchestrator, .*notification-service/,
    ],
    ['for nobody', [], undefined, 64, /which service\?/],
    ['for one and for all', [ORCHESTRATOR, '--all'], undefined, 64, /either/],
    ['S1-056 for no days', ['auth-service', '--days', '0'], undefined, 64, /1 to 366/],
    ['S1-056 for fewer days than none', ['auth-service', '--days=-3'], undefined, 64, /1 to 366/],
    ['S1-056 for days that are no number', ['auth-service', '--days', '9e1'], undefined, 64, /1 to 366/],
  ] as const) {
    test(title, async () => {
      const { status: code, stdout, stderr } = await script(args, env);
      assert.deepEqual([code, stdout], [status, ''], stderr);
      assert.match(stderr, reason);
      assert.doesNotMatch(stderr, /canary/);
    });
  }

  for (const [title, args, status, reason] of [
    ['without a key, although there is a secret', ['issue', ORCHESTRATOR], 78, /there is no key.*--legacy/s],
    ['with a key that is not there', ['issue', ORCHESTRATOR, '--key', '/nowhere.pem'], 78, /cannot be read/],
    [
      'where it cannot be written down',
      ['issue', ORCHESTRATOR, '--key', keyFile, '--inventory', '/nowhere/t'],
      78,
      /cannot be written/,
    ],
    ['for a list of services with a quote in it', ['issue', 'a', '--services', "a';reboot"], 64, /not a name/],
    ['for a secret with a line break in its name', ['issue', ORCHESTRATOR, '--secret-name', 'a\nb'], 64, /Letters/],
  ] as const) {
    test(title, async () => {
      const { status: code, stdout, stderr } = await tokenWith(args, { JWT_SECRET_KEY: SECRET });
      assert.deepEqual([code, stdout], [status, ''], stderr);
      assert.match(stderr, reason);
    });
  }

  test('S1-053 on a Node that is too old, as the package states it', async () => {
    const manifest = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      engines: { node: string };
    };
    assert.equal(manifest.engines.node, `>=${NODE_FLOOR}`);
    for (const version of ['20.19.0', '24.18.0', '24.9.9', '8.0.0']) {
      assert.match(tooOldNode(version) ?? '', /is too old: 24\.18\.1 or later/);
    }
    for (const version of [NODE_FLOOR, '24.19.0', '26.0.0', process.versions.node])
      assert.equal(tooOldNode(version), undefined);
  });
});

describe('generate-service-token', () => {
  test('S1-052 S1-055 S1-064 S1-065 S1-066 S1-067 S1-068 S1-069 S1-070 its text, line by line, with the token for 365 days', async () => {
    const { status, stdout, stderr } = await script([ORCHESTRATOR, '--output', 'text']);
    assert.equal(status, 0, stderr);
    const made = TOKEN.exec(stdout)?.[0] ?? '';
    const rule = '='.repeat(80);
    assert.deepEqual(stdout.split('\n'), [
      'Generating service token for: tenant-deletion-orchestrator',
      'Expiration: 365 days',
      rule,
      '✓ Token generated successfully!',
      '',
      'Token:',
      made,
      '',
      'Environment Variable:',
      `export TENANT_DELETION_ORCHESTRATOR_TOKEN='${made}'`,
      '',
      'Usage in Code:',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a line of code
      'const headers = { Authorization: `Bearer ${process.env.TENANT_DELETION_ORCHESTRATOR_TOKEN}` };',
      '',
      'Test with curl:',
      `curl -H 'Authorization: Bearer ${made}' https://localhost/api/v1/...`,
      rule,
      '',
      'Verifying token...',
      '✓ Token is valid and verified!',
      '',
    ]);
    const { exp, iat, type } = decodeJwt(made);
    assert.deepEqual([Number(exp) - Number(iat), type], [365 * DAY, 'service']);
    assert.deepEqual(decodeProtectedHeader(made), { alg: 'HS256', typ: 'JWT' });
    assert.match(stderr, /warning: .*HS256.*\nwarning: .*365 days/);
    assert.doesNotMatch(stderr, TOKEN);
  });

  test('on a terminal it is that text without being asked for, and --raw is the token with a line break', async () => {
    const made = await script([ORCHESTRATOR], undefined, true);
    assert.match(made.stdout, /^Generating service token for: tenant-deletion-orchestrator\nExpiration: 365 days\n/);
    const raw = await script([ORCHESTRATOR, '--raw'], undefined, true);
    assert.match(raw.stdout, new RegExp(`^${TOKEN.source}\\n$`));
  });

  test('S1-071 the token can be cut out of its text with grep export and cut -d"\'" -f2', async () => {
    const { stdout } = shell(
      `generate-service-token ${ORCHESTRATOR} --output text 2>&1 | grep "export" | cut -d"'" -f2`,
    );
    assert.match(stdout, new RegExp(`^${TOKEN.source}\\n$`));
  });

  for (const how of ['', ' --raw']) {
    test(`S1-125 S1-126 redirected${how} it is the token and nothing else, fit for a secret that is made from the file`, async () => {
      const { status } = shell(`generate-service-token ${ORCHESTRATOR} --days 365${how} > orchestrator-token.txt`);
      assert.equal(status, 0);
      const file = readFileSync(path.join(folder, 'orchestrator-token.txt'), 'utf8');
      assert.match(file, new RegExp(`^${TOKEN.source}$`));
      assert.equal(new Headers({ authorization: `Bearer ${file}` }).get('authorization'), `Bearer ${file}`);
      assert.equal((await script(['--verify', file])).status, 0);
    });
  }

  test('S1-056 --days 90 is 90 days', async () => {
    const { exp, iat } = decodeJwt((await script(['auth-service', '--days', '90'])).stdout);
    assert.equal(Number(exp) - Number(iat), 90 * DAY);
  });

  test('S1-057 S1-060 S1-061 S1-062 --all makes a token for each service that --list-services prints', async () => {
    const listed = await script(['--list-services']);
    const names = listed.stdout.trim().split('\n');
    assert.deepEqual([listed.status, names.length], [0, 15]);
    assert.deepEqual(names.slice(0, 8), [
      'tenant-deletion-orchestrator',
      'auth-service',
      'tenant-service',
      'orders-service',
      'inventory-service',
      'recipes-service',
      'sales-service',
      'production-service',
    ]);
    assert.deepEqual(names.slice(8), [
      'suppliers-service',
      'pos-service',
      'external-service',
      'forecasting-service',
      'training-service',
      'alert-processor-service',
      'notification-service',
    ]);
    const tokens = (await script(['--all'])).stdout.trim().split('\n');
    assert.deepEqual(
      tokens.map((text) => decodeJwt(text).sub),
      names,
    );
  });
});

describe('a token is told to be invalid, and why', () => {
  for (const [title, make, reason] of [
    ['S1-059 S1-116 when it has expired', () => mac({ ...good(), exp: now() - 3_600 }), /it has expired 36\d\d s ago/],
    [
      'S1-059 when it was changed',
      async () => `${(await mac(good())).slice(0, -8)}AAAAAAAA`,
      /the signature does not verify/,
    ],
    [
      'S1-059 S1-117 when the secret is another one, with the fingerprint of the one here',
      () => mac(good(), OTHER),
      /JWT_SECRET_KEY than the one here, whose fingerprint is [0-9a-f]{16}$/m,
    ],
    ['when it has no expiry', () => mac({ ...good(), exp: undefined }), /no expiry/],
    ['when it is none', () => 'canary', /not a compact JWS/],
  ] as const) {
    test(title, async () => {
      const text = await make();
      const { status, stdout, stderr } = await script(['--verify', text]);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, reason);
      assert.ok(!stderr.includes(text.slice(-20)) && !stderr.includes('canary'), 'neither token nor secret is shown');
    });
  }
});

test('S1-058 a token that is valid is shown with its claims', async () => {
  const { status, stdout } = await script(['--verify', await mac({ ...good(), service: 'auth-service' })]);
  assert.equal(status, 0);
  for (const line of ['✓ Token is valid', '  type: service', '  sub: auth-service', '  service: auth-service']) {
    assert.ok(stdout.split('\n').includes(line), stdout);
  }
  assert.match(stdout, /^ {2}expires: \d{4}-\d\d-\d\dT/m);
});

test('S1-119 of a token without its type it is said that endpoints refuse it', async () => {
  const { status, stdout } = await script(['--verify', await mac({ ...good(), type: undefined })]);
  assert.equal(status, 0);
  assert.match(stdout, /type: missing: endpoints for services refuse it with 403/);
});

test('S1-117 the fingerprint is the same wherever the secret is, and another one for another secret', async () => {
  const of = async (secret: string) =>
    (await tokenWith(['fingerprint', '--legacy'], { JWT_SECRET_KEY: secret })).stdout;
  assert.match(await of(SECRET), /^[0-9a-f]{16}\n$/);
  assert.notEqual(await of(SECRET), await of(OTHER));
});

describe('sidegate token', () => {
  test('issue signs with the key, for a day, and warns of nothing', async () => {
    const { status, stdout, stderr } = await token('issue', ORCHESTRATOR);
    assert.deepEqual([status, stderr], [0, '']);
    const { exp, iat, iss, aud } = decodeJwt(stdout);
    assert.deepEqual([Number(exp) - Number(iat), iss, aud], [DAY, 'service-tokens', 'internal-services']);
    assert.equal(decodeProtectedHeader(stdout).alg, 'EdDSA');
  });

  test('issue narrows a token to tenants and operations, and a shell can source it', async () => {
    const { stdout } = await token(
      'issue',
      'pos-service',
      '--tenant',
      't-1',
      't-2',
      '--operations',
      'tenant:delete',
      '--output',
      'env',
    );
    assert.match(stdout, /^POS_SERVICE_TOKEN=eyJ/);
    const { tenants, operations } = decodeJwt(stdout.slice(stdout.indexOf('=') + 1));
    assert.deepEqual([tenants, operations], [['t-1', 't-2'], ['tenant:delete']]);
  });

  test('S1-097 issue writes the secret that a deployment takes its token from', async () => {
    const place = ['--secret-key', 'orchestrator-token', '--namespace', 'bakery-ia', '--output', 'k8s-secret'];
    const { data, stringData, ...rest } = parse((await token('issue', ORCHESTRATOR, ...place)).stdout) as Record<
      string,
      Record<string, string>
    >;
    assert.deepEqual(rest, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'service-tokens', namespace: 'bakery-ia' },
      type: 'Opaque',
    });
    assert.equal(data, undefined);
    assert.equal(decodeJwt(stringData?.['orchestrator-token'] ?? '').sub, ORCHESTRATOR);
  });

  test('verify reads the token from standard input', async () => {
    const { stdout: made } = await token('issue', ORCHESTRATOR);
    const { status, stdout } = await tokenWith(['verify', '-', '--json', '--key', keyFile], {}, `${made}\n`);
    assert.equal(status, 0);
    assert.equal((JSON.parse(stdout) as { claims: { service: string } }).claims.service, ORCHESTRATOR);
  });

  test('its own process takes key and services from the variables', () => {
    const line = 'sidegate token list-services --json && sidegate token issue b-service';
    const { stdout, stderr } = shell(line, {
      SIDEGATE_SERVICES: 'a-service, b-service',
      JWT_PRIVATE_KEY_FILE: keyFile,
    });
    const [list = '', made = ''] = stdout.split('\n');
    assert.equal(stderr, '');
    assert.deepEqual(JSON.parse(list), { services: ['a-service', 'b-service'] });
    assert.equal(decodeJwt(made).sub, 'b-service');
  });
});

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
}

test('S1-095 S1-100 S1-129 every sidegate token of the guide does what it says', async () => {
  const guide = readFileSync(path.join(REPOSITORY, 'docs/service-tokens.md'), 'utf8');
  assert.match(guide, /Shorter is safer: a day is the default, `--days` says otherwise/);
  const place = path.join(folder, 'guide.jsonl');
  const commands = [...guide.matchAll(/sidegate token ([a-z-]+(?: [-\w:./<>]+)*)/g)].map(([, line = '']) =>
    line.split(' '),
  );
  const made: string[] = [];
  for (const words of commands) {
    const [name = ''] = words;
    if (name === 'revoke' || name === 'fingerprint') continue;
    const args = words
      .map((word) => (word === 'service-tokens.jsonl' ? place : word === '<token>' ? (made.at(-1) ?? '') : word))
      .filter((word) => word !== '>' && word !== 'orchestrator-token.txt');
    const isMade = name === 'issue' || name === 'rotate';
    const { status = 0, stdout, stderr } = await (isMade || name === 'verify' ? token(...args) : keyless(...args));
    assert.equal(status, name === 'inventory' ? 1 : 0, `${words.join(' ')}: ${stderr}`);
    if (isMade) made.push(TOKEN.exec(stdout)?.[0] ?? '');
  }
  assert.equal(made.length, 4);
  for (const one of made) assert.equal((await token('verify', one)).status, 0);
});

describe('the inventory', () => {
  const place = ['--inventory', inventory];
  const list = (...args: readonly string[]) => keyless('inventory', ...place, ...args);
  interface Listed {
    readonly tokens: readonly {
      readonly id: string;
      readonly service: string;
      readonly state: string;
      readonly replaces?: string;
    }[];
  }
  const listed = async () => (JSON.parse((await list('--json')).stdout) as Listed).tokens;

  test('S1-093 S1-130 knows who has a token, since when, until when, and where it is kept; and never the token', async () => {
    const { stdout: made } = await token(
      'issue',
      ORCHESTRATOR,
      '--days',
      '20',
      '--stored-in',
      'secret/service-tokens',
      ...place,
    );
    const { status, stdout } = await list();
    assert.equal(status, 0);
    const { jti } = decodeJwt(made);
    assert.match(
      stdout,
      new RegExp(
        `^tenant-deletion-orchestrator ${jti}: live, since .*Z, until .*Z, key .*, kept in secret/service-tokens\\n$`,
      ),
    );
    const file = readFileSync(inventory, 'utf8');
    assert.ok(!file.includes(made) && !TOKEN.test(file));
    assert.equal(statSync(inventory).mode & 0o077, 0);
  });

  test('S1-094 S1-128 has exit code 1 thirty days before a token expires, and a metric of when that is', async () => {
    const { status, stdout } = await list('--expiring', '30d');
    assert.equal(status, 1);
    assert.match(stdout, /^tenant-deletion-orchestrator /);
    const later = await list('--expiring', '10d');
    assert.deepEqual([later.status, later.stdout], [0, '']);
    const { stdout: metrics } = await list('--metrics');
    const [, seconds] =
      /^sidegate_service_token_expires_timestamp_seconds\{service="tenant-deletion-orchestrator",id="[^"]+"\} (\d+)$/m.exec(
        metrics,
      ) ?? [];
    assert.ok(Math.abs(Number(seconds) - now() - 20 * DAY) < 600, metrics);
  });

  test('S1-128 the alert rules are about the metrics that there are, thirty days ahead', async () => {
    const rules = parse(readFileSync(path.join(REPOSITORY, 'deploy/alerts/service-tokens.yaml'), 'utf8')) as Rules;
    const { stdout: metrics } = await list('--metrics');
    const expressions = rules.groups.flatMap(({ rules: all }) => all.map(({ expr }) => expr));
    const named = new Set(expressions.join(' ').match(/sidegate_\w+/g));
    for (const name of named) assert.match(metrics, new RegExp(`^${name}\\{`, 'm'));
    assert.equal(named.size, 2);
    assert.match(expressions[0] ?? '', /expires_timestamp_seconds - time\(\) < 30 \* 86400/);
  });

  test('S1-100 S1-103 S1-129 rotation makes a token in place of the one before, and both are good', async () => {
    const dry = await token('rotate', ORCHESTRATOR, ...place, '--dry-run');
    assert.deepEqual([dry.status, dry.stdout, (await listed()).length], [0, '', 1]);
    const [before] = await listed();
    const { status, stdout, stderr } = await token('rotate', ORCHESTRATOR, ...place);
    assert.equal(status, 0);
    assert.match(
      stderr,
      /is good until .*Put the new token where it is kept \(secret\/service-tokens\), then restart tenant-deletion-orchestrator/,
    );
    const { exp, iat } = decodeJwt(stdout);
    assert.equal(Number(exp) - Number(iat), 20 * DAY);
    assert.deepEqual(
      (await listed())
        .map(({ state, replaces }) => [state, replaces])
        .toSorted(([one = ''], [other = '']) => one.localeCompare(other)),
      [
        ['live', before?.id],
        ['replaced', undefined],
      ],
    );
    assert.equal((await token('verify', stdout)).status, 0);
  });

  test('rotation needs a token that there is', async () => {
    const { status, stderr } = await token('rotate', 'pos-service', ...place);
    assert.equal(status, 1);
    assert.match(stderr, /has no token of pos-service; token issue makes the first one/);
  });

  test('revoking ends a token of it, and says so when there is none', async () => {
    const { stdout: stolen } = await token('issue', 'auth-service', ...place);
    assert.equal((await token('verify', stolen, ...place)).status, 0);
    const first = (await listed()).find(({ service }) => service === 'auth-service');
    assert.equal((await keyless('revoke', 'nobody', ...place)).status, 1);
    assert.equal((await keyless('revoke', ...place)).status, 64);
    assert.equal((await keyless('revoke', first?.id ?? '', ...place)).status, 0);
    const refused = await token('verify', stolen, ...place);
    assert.deepEqual([refused.status, refused.stdout], [1, '']);
    assert.match(refused.stderr, /was revoked/);
    assert.equal((await keyless('revoke', '--service', ORCHESTRATOR, ...place)).stdout.split('\n').length, 3);
    assert.deepEqual(new Set((await listed()).map(({ state }) => state)), new Set(['revoked']));
    assert.equal((await list('--expiring', '366d')).status, 0, 'what is revoked need not be rotated');
  });

  test('a damaged one is refused, with its line', async () => {
    const damaged = path.join(folder, 'damaged.jsonl');
    writeFileSync(damaged, 'canary\n');
    const { status, stderr } = await keyless('inventory', '--inventory', damaged);
    assert.equal(status, 78);
    assert.match(stderr, /line 1 of the token inventory/);
    assert.doesNotMatch(stderr, /canary/);
  });
});
