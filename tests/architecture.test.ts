/** The layers of docs/architecture.md, held: who may import whom, and who may mint a permit. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..');

interface Import {
  readonly from: string;
  /** A repository path, or a package name. */
  readonly to: string;
  readonly names: string;
  readonly typeOnly: boolean;
}

/** Folder → the folders it may import from, besides itself. Nothing that is not listed may be imported. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  'rego/value': [],
  'rego/syntax': ['rego/value'],
  'rego/builtins': ['rego/syntax', 'rego/value'],
  'rego/bundle': ['rego/builtins', 'rego/syntax', 'rego/value'],
  'rego/compile': ['rego/builtins', 'rego/syntax', 'rego/value'],
  'rego/evaluate': ['rego/builtins', 'rego/compile', 'rego/syntax', 'rego/value'],
  'rego/dependencies': ['rego/compile', 'rego/value'],
  'rego/explain': ['rego/evaluate', 'rego/compile', 'rego/syntax', 'rego/value'],
  'rego/testing': ['rego/explain', 'rego/evaluate', 'rego/compile', 'rego/syntax', 'rego/value'],
  'sdk/spiffe': ['sdk'],
  'sdk/replay': ['sdk'],
  'sdk/x509': ['sdk/spiffe', 'sdk'],
  'sdk/jwt': ['sdk/spiffe', 'sdk/x509', 'sdk'],
  'sdk/dpop': ['sdk/jwt', 'sdk/x509', 'sdk'],
  'sdk/revocation': ['sdk/runtime', 'sdk/jwt', 'sdk/x509', 'sdk'],
  'sdk/oauth': ['sdk/dpop', 'sdk/jwt', 'sdk/replay', 'sdk/spiffe', 'sdk/x509', 'sdk'],
  'sdk/settings': ['sdk/jwt', 'sdk/runtime', 'sdk'],
  'sdk/runtime': ['sdk/x509', 'sdk'],
  'sdk/signatures': ['sdk/jwt', 'sdk/replay', 'sdk'],
  'sdk/identity': ['sdk/runtime', 'sdk/spiffe', 'sdk/workload-api', 'sdk/x509', 'sdk'],
  'sdk/context': [],
  'sdk/client': [
    'sdk/context',
    'sdk/identity',
    'sdk/dpop',
    'sdk/runtime',
    'sdk/jwt',
    'sdk/oauth',
    'sdk/signatures',
    'sdk/workload-api',
    'sdk/spiffe',
    'sdk/x509',
    'sdk',
  ],
  'sdk/server': [
    'sdk/context',
    'sdk/identity',
    'sdk/dpop',
    'sdk/runtime',
    'sdk/jwt',
    'sdk/replay',
    'sdk/revocation',
    'sdk/signatures',
    'sdk/spiffe',
    'sdk/x509',
    'sdk',
  ],
  'sdk/service-tokens': [
    'sdk/client',
    'sdk/server',
    'sdk/runtime',
    'sdk/oauth',
    'sdk/jwt',
    'sdk/replay',
    'sdk/x509',
    'sdk',
  ],
  'sdk/wimse': ['sdk/client', 'sdk/server', 'sdk/runtime', 'sdk/replay', 'sdk/jwt', 'sdk/x509', 'sdk'],
  'sdk/gateway': ['sdk/service-tokens', 'sdk/server', 'sdk/jwt', 'sdk'],
  'sdk/guard': [],
  'sdk/adapters': ['sdk/context', 'sdk/server', 'sdk'],
  'sdk/workload-api': ['sdk/jwt', 'sdk/oauth', 'sdk/spiffe', 'sdk/x509', 'sdk'],
  'eslint-plugin/analysis': [],
  'eslint-plugin/calls': ['eslint-plugin/analysis'],
  'eslint-plugin/secrets': [],
  'eslint-plugin/routes': ['eslint-plugin/analysis'],
  'eslint-plugin/rules': [
    'eslint-plugin/calls',
    'eslint-plugin/routes',
    'eslint-plugin/secrets',
    'eslint-plugin/analysis',
    'eslint-plugin',
  ],
  'sidegate/telemetry': [],
  'sidegate/net': ['sidegate/telemetry'],
  'sidegate/identity': ['sidegate/net', 'sidegate/telemetry'],
  'sidegate/policy': ['sidegate/net', 'sidegate/telemetry', 'sidegate/proxy'],
  'sidegate/proxy': ['sidegate/net', 'sidegate/telemetry', 'sidegate/policy'],
  'sidegate/ingress': ['sidegate/proxy', 'sidegate/policy', 'sidegate/identity', 'sidegate/net', 'sidegate/telemetry'],
  'sidegate/egress': ['sidegate/proxy', 'sidegate/policy', 'sidegate/identity', 'sidegate/net', 'sidegate/telemetry'],
  'sidegate/admin': [
    'sidegate/ingress',
    'sidegate/proxy',
    'sidegate/policy',
    'sidegate/identity',
    'sidegate/net',
    'sidegate/telemetry',
  ],
  'sidegate/ext-authz': ['sidegate/admin', 'sidegate/ingress', 'sidegate/proxy', 'sidegate/net', 'sidegate/telemetry'],
  'sidegate/authority': ['sidegate/identity', 'sidegate/net', 'sidegate/telemetry'],
  'sidegate/lab': ['sidegate/authority', 'sidegate/net', 'sidegate/telemetry'],
  'sidegate/config': [],
  'sidegate/kubernetes': [],
  'sidegate/cli': [
    'sidegate/config',
    'sidegate/kubernetes',
    'sidegate/lab',
    'sidegate/admin',
    'sidegate/ext-authz',
    'sidegate/ingress',
    'sidegate/egress',
    'sidegate/authority',
    'sidegate/proxy',
    'sidegate/policy',
    'sidegate/identity',
    'sidegate/net',
    'sidegate/telemetry',
  ],
};

/** Package → the packages of ours that it may import, and the folders that may import what is costly or dangerous. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  rego: [],
  sdk: [],
  'eslint-plugin': [],
  sidegate: ['rego', 'sdk'],
};

const RESTRICTED: Readonly<Record<string, readonly string[]>> = {
  '@peculiar/x509': ['sidegate/authority'],
  'reflect-metadata': ['sidegate/authority'],
  zod: ['sidegate/config'],
  yaml: ['sidegate/config', 'sidegate/lab', 'sidegate/cli'],
  commander: ['sidegate/cli'],
  pg: ['sidegate/authority'],
  'structured-headers': ['sdk/signatures'],
  undici: ['sdk/runtime', 'sdk/client'],
  express: ['sdk/adapters'],
  fastify: ['sdk/adapters'],
  hono: ['sdk/adapters'],
  koa: ['sdk/adapters'],
  '@nestjs/common': ['sdk/adapters'],
  '@grpc/grpc-js': ['sdk/workload-api', 'sidegate/authority', 'sidegate/ext-authz'],
  '@bufbuild/protobuf/wire': ['sdk/workload-api', 'sidegate/authority', 'sidegate/ext-authz'],
};

const imports = sources().flatMap(importsOf);

test('every folder imports only the layers below it', () => {
  const broken = imports.filter(({ from, to }) => {
    if (!to.startsWith('packages/')) return false;
    const [own, other] = [layerOf(from), layerOf(to)];
    if (own === other || own === packageOf(from)) return false;
    return !(LAYERS[own] ?? []).includes(other);
  });
  assert.deepEqual(broken.map(shown), []);
});

test('every layer is described', () => {
  const layers = new Set(imports.map(({ from }) => layerOf(from)).filter((layer) => layer.includes('/')));
  assert.deepEqual(
    [...layers].filter((layer) => LAYERS[layer] === undefined),
    [],
  );
});

test('packages import each other by name, and only as the architecture allows', () => {
  const broken = imports.filter(({ from, to }) => {
    const own = packageOf(from);
    if (to.startsWith('packages/')) return packageOf(to) !== own;
    const ours = /^(?:@sidegate\/)?(rego|sdk|eslint-plugin|sidegate)(?:$|\/)/.exec(to)?.[1];
    return ours !== undefined && !(PACKAGES[own] ?? []).includes(ours);
  });
  assert.deepEqual(broken.map(shown), []);
});

test('costly and dangerous libraries stay in their folders', () => {
  const broken = imports.filter(({ from, to }) => RESTRICTED[to]?.includes(layerOf(from)) === false);
  assert.deepEqual(broken.map(shown), []);
});

test('an adapter of a framework has at most 60 lines beside its documentation', () => {
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'packages/sdk/package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
  const adapters = Object.values(manifest.exports).flatMap((conditions) => {
    const source = conditions['@sidegate/source'] ?? '';
    return source.startsWith('./src/adapters/') ? [source] : [];
  });
  const lines = (file: string) => {
    const text = readFileSync(path.join(ROOT, 'packages/sdk', file), 'utf8');
    return text
      .replaceAll(/^\/\*\*.*?\*\/$/gms, '')
      .replaceAll(/\n\n+/g, '\n')
      .trim()
      .split('\n').length;
  };
  assert.equal(adapters.length, 6);
  assert.deepEqual(
    adapters.filter((file) => lines(file) > 60),
    [],
  );
});

test('the Rego package needs no Node outside its host port', () => {
  const broken = imports.filter(
    ({ from, to }) => packageOf(from) === 'rego' && to.startsWith('node:') && !/host/.test(from),
  );
  assert.deepEqual(broken.map(shown), []);
});

test('only the two deciding stages mint a permit', () => {
  const minting = imports.filter(({ names }) => /\bmintPermit\b/.test(names)).map(({ from }) => from);
  assert.deepEqual(minting.sort(), [
    'packages/sidegate/src/egress/match-route.ts',
    'packages/sidegate/src/ingress/decide.ts',
  ]);
});

test('no file or folder is a drawer', () => {
  const drawers = sources().filter((file) =>
    /(?:^|\/)(?:utils?|helpers?|common|types|misc|manager|base)(?:\/|\.ts$)/.test(file),
  );
  assert.deepEqual(drawers, []);
});

/** Tracked or new sources of the packages, without tests. */
function sources(): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'packages/*/src/*.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && existsSync(path.join(ROOT, file)));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const found = text.matchAll(
    /^(?:import|export)\s+(type\s+)?([^'";]*?)\s*(?:from\s+)?'([^']+)'|import\('([^']+)'\)/gm,
  );
  return [...found].map(([, type, names = '', literal, dynamic]) => {
    const to = literal ?? dynamic ?? '';
    const resolved = to.startsWith('.') ? path.posix.join(path.posix.dirname(file), to) : to;
    return { from: file, to: resolved, names, typeOnly: type !== undefined };
  });
}

function packageOf(file: string): string {
  return file.split('/')[1] ?? '';
}

/** `packages/sdk/src/jwt/verify.ts` → `sdk/jwt`; a file right below src → `sdk`. */
function layerOf(file: string): string {
  const [, name = '', , folder = '', ...rest] = file.split('/');
  return rest.length === 0 ? name : `${name}/${folder}`;
}

function shown({ from, to }: Import): string {
  return `${from} → ${to}`;
}
