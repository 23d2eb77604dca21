import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type BundleFiles, packBundle } from '../../../../tests/support/policy-bundle.ts';
import { writeTar } from '../../../../tests/support/tar-writer.ts';
import type { Host } from '../builtins/host.ts';
import { NODE_HOST } from '../evaluate/node-host.ts';
import { toPlainJson } from '../value/json.ts';
import { type Bundle, readBundle } from './read-bundle.ts';

const POLICY = 'package order\n\nallow if input.user == data.users.admin\n';

function refusals(bytes: Uint8Array, host: Host = NODE_HOST): string {
  const read = readBundle(bytes, { host });
  assert.ok(!read.ok, 'the bundle was read');
  return read.diagnostics
    .map(({ file, line, column, message }) =>
      [file, line, column, message].filter((part) => part !== undefined).join(':'),
    )
    .join('\n');
}

function bundle(files: BundleFiles): Bundle {
  const read = readBundle(packBundle(files), { host: NODE_HOST });
  assert.ok(read.ok, read.ok ? '' : JSON.stringify(read.diagnostics));
  return read.bundle;
}

function manifest(members: object): BundleFiles {
  return { '.manifest': JSON.stringify(members) };
}

describe('bundles that cannot be unpacked', () => {
  const whole = packBundle({ 'order.rego': POLICY });
  const DAMAGED: readonly (readonly [title: string, bytes: Uint8Array, message: RegExp])[] = [
    ['nothing', new Uint8Array(), /cannot be unpacked/],
    ['a tar archive without gzip', writeTar([{ name: 'order.rego' }]), /cannot be unpacked/],
    ['a wrong checksum of gzip', Buffer.concat([whole.subarray(0, -8), Buffer.alloc(8)]), /cannot be unpacked/],
    ['something behind the archive', Buffer.concat([whole, Buffer.from('more')]), /cannot be unpacked/],
    ['gzip that is no tar', gzipSync('package order'), /ends too early/],
    ['65 MiB of zeros in 64 KiB', gzipSync(Buffer.alloc(65 * 1024 * 1024)), /more than 64 MiB/],
  ];
  for (const [title, bytes, message] of DAMAGED) test(title, () => assert.match(refusals(bytes), message));

  test('every bundle that is cut off', () => {
    for (let length = 0; length < whole.length; length += 1) {
      assert.match(refusals(whole.subarray(0, length)), /cannot be unpacked/, `${length} bytes`);
    }
  });

  test('a platform that cannot unpack', () => {
    assert.match(refusals(whole, {}), /gzip cannot be read here/);
  });
});

describe('bundles that are refused', () => {
  const ROOTS: readonly (readonly [title: string, files: BundleFiles, message: RegExp])[] = [
    [
      'a package outside the roots',
      { ...manifest({ roots: ['users'] }), 'a.rego': POLICY },
      /^a\.rego:1:\d+:.*do not permit the package order$/,
    ],
    [
      'a package above its root',
      { ...manifest({ roots: ['order/api'] }), 'a.rego': POLICY },
      /do not permit the package order/,
    ],
    [
      'a package whose name only begins as a root',
      { ...manifest({ roots: ['ord'] }), 'a.rego': POLICY },
      /do not permit the package order/,
    ],
    [
      'data outside the roots',
      { ...manifest({ roots: ['order'] }), 'users/data.json': '{}' },
      /do not permit data\.users/,
    ],
    [
      'data beside the root',
      { ...manifest({ roots: ['a/b'] }), 'a/data.json': '{"b":1,"c":{"b":1}}' },
      /do not permit data\.a\.c/,
    ],
    [
      'a value on the way to a root',
      { ...manifest({ roots: ['a/b'] }), 'data.json': '{"a":1}' },
      /do not permit data\.a/,
    ],
    [
      'a name with a slash that looks like a root',
      { ...manifest({ roots: ['a/b'] }), 'data.json': '{"a/b":1}' },
      /do not permit data\.a\/b/,
    ],
    ['a package when there are no roots', { ...manifest({ roots: [] }), 'a.rego': POLICY }, /do not permit/],
    ['equal roots', manifest({ roots: ['a', '/a/'] }), /overlapped roots: 'a' and 'a'/],
    ['a root within another', manifest({ roots: ['a/b', 'c', 'a'] }), /overlapped roots: 'a\/b' and 'a'/],
    ['the root of everything and another', manifest({ roots: ['', 'a'] }), /overlapped roots/],
  ];
  const MANIFEST: typeof ROOTS = [
    ['a manifest that is no JSON', { '.manifest': '{' }, /^\.manifest:1:2:cannot be read/],
    ['a manifest with something behind it', { '.manifest': '{} {}' }, /cannot be read/],
    ['a manifest that is no object', { '.manifest': '[]' }, /is no object/],
    ['a revision that is a number', manifest({ revision: 1 }), /revision is no string/],
    ['roots that are a text', manifest({ roots: 'order' }), /roots is no array of strings/],
    ['a root that is a number', manifest({ roots: [1] }), /roots is no array of strings/],
    ['metadata that is a list', manifest({ metadata: [] }), /metadata is no object/],
    ['a member that OPA would read and we would not', manifest({ Roots: ['order'] }), /has a member "Roots"/],
    ['an unknown version', manifest({ rego_version: 2 }), /rego_version is neither 0 nor 1/],
    ['an unknown version of a file', manifest({ file_rego_versions: { '/a.rego': '1' } }), /neither 0 nor 1/],
    ['a malformed pattern', manifest({ file_rego_versions: { '[a': 0 } }), /malformed pattern "\[a"/],
    ['too many roots', manifest({ roots: Array.from({ length: 1001 }, (_, i) => `r${i}`) }), /more than 1000 roots/],
    [
      'too many patterns',
      manifest({ file_rego_versions: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`/${i}`, 1])) }),
      /more than 1000 members/,
    ],
    ['a manifest in a folder', { 'order/.manifest': '{}' }, /order\/\.manifest:stands in a folder/],
    ['a manifest as protobuf', { '.manifest.pb': '' }, /in another format/],
    ['a delta bundle', { 'patch.json': '{"data":[]}' }, /delta bundle/],
  ];
  const CONTENT: typeof ROOTS = [
    ['a policy that does not parse', { 'a.rego': 'package a\n\nallow if {' }, /^a\.rego:3:\d+:rego_parse_error/],
    ['a policy that is not v1', { 'a.rego': 'package a\n\nallow { true }' }, /rego_parse_error/],
    ['data that is no JSON', { 'a/data.json': '{' }, /^a\/data\.json:1:2:cannot be read/],
    ['data at the root that is no object', { 'data.json': '[1]' }, /^data\.json:is no object/],
    [
      'one document in two files',
      { 'data.json': '{"a":{"b":1}}', 'a/data.json': '{"b":1}' },
      /data\.a\.b a second time, after data\.json/,
    ],
    ['an object and a value', { 'a/data.json': '1', 'a/b/data.json': '1' }, /data\.a a second time/],
    [
      'JSON and YAML of one folder',
      { 'a/data.json': '{"text":1}', 'a/data.yaml': 'text: a' },
      /data\.a\.text a second/,
    ],
    [
      'nested more deeply than values may be',
      { 'data.json': `{"a":${'['.repeat(1001)}${']'.repeat(1001)}}` },
      /max depth/,
    ],
    [
      'a rule and data of one name',
      { 'a.rego': POLICY, 'order/data.json': '{"allow":1}' },
      /^a\.rego:3:1:conflicting rule for data path order\/allow found$/,
    ],
    [
      'a rule below a value',
      { 'a.rego': 'package a\n\np.q.r := 1', 'a/data.json': '{"p":1}' },
      /conflicting rule for data path a\/p\/q\/r/,
    ],
    [
      'rules with a variable beside data',
      { 'a.rego': 'package a\n\np.q[x] := x if some x in [1]', 'a/data.json': '{"p":{"q":{}}}' },
      /data path a\/p\/q found/,
    ],
    ['a signature in a folder', { 'a/.signatures.json': '{}' }, /stands in a folder/],
    ['a signature that nobody can verify', { '.signatures.json': '{"signatures":[]}' }, /no key is given/],
  ];
  for (const [title, files, message] of [...ROOTS, ...MANIFEST, ...CONTENT]) {
    test(title, () => assert.match(refusals(packBundle(files)), message));
  }

  test('text that is not UTF-8', () => {
    const archive = writeTar(
      ['a.rego', 'data.json', '.manifest'].map((name) => ({ name, content: Buffer.from([0xff]) })),
    );
    assert.equal(refusals(gzipSync(archive)).match(/is not UTF-8/g)?.length, 3);
  });

  test('SD-07 everything that is wrong is told at once', () => {
    const files = {
      ...manifest({ roots: ['order'] }),
      'a.rego': 'package users',
      'users/data.json': '{}',
      'order/data.json': '{',
    };
    assert.equal(refusals(packBundle(files)).split('\n').length, 3);
  });

  test('__proto__ is an ordinary name', () => {
    assert.equal(
      toPlainJson(bundle({ '__proto__/data.json': '{"a":{"__proto__":1}}' }).data),
      '{"__proto__":{"a":{"__proto__":1}}}',
    );
    assert.equal(({} as { a?: unknown }).a, undefined);
  });
});

describe('bundles that are read', () => {
  test('policies, data at its folder, and the manifest', () => {
    const read = bundle({
      ...manifest({ revision: 'r1', roots: ['/order', 'users/'], metadata: { team: 'a' }, unknown: 1 }),
      'order/order.rego': POLICY,
      'users/data.json': '{"admin":"amal"}',
      'users/zone1/data.yml': 'text',
      'data.json': '{"users":{"n":1.0}}',
    });
    assert.deepEqual(read.modules, [{ file: 'order/order.rego', text: POLICY, version: 'v1' }]);
    assert.equal(toPlainJson(read.data), '{"users":{"admin":"amal","n":1.0,"zone1":"text"}}');
    assert.equal(read.manifest.revision, 'r1');
    assert.deepEqual(read.manifest.roots, [['order'], ['users']]);
    assert.equal(toPlainJson(read.manifest.metadata), '{"team":"a"}');
  });

  test('without a manifest it owns everything', () => {
    const { manifest: own } = bundle({ 'order.rego': POLICY, 'data.json': '{"a":1}' });
    assert.deepEqual([own.revision, own.roots], ['', [[]]]);
  });

  test('data beside rules of one package', () => {
    const files = { 'a.rego': 'package a\n\np.q.r := 1\n\np.q.s := 2', 'a/data.json': '{"n":1,"p":{"q":{"z":1}}}' };
    assert.equal(bundle(files).modules.length, 1);
  });

  test('null says nothing, as in OPA', () => {
    const { manifest: own } = bundle({ '.manifest': '{"revision":null,"roots":null,"rego_version":null}' });
    assert.deepEqual([own.revision, own.roots, own.regoVersion], ['', [[]], undefined]);
  });

  test('the version of Rego: of the file, of the bundle, of the caller', () => {
    const v0 = 'package order\n\nallow { true }\n';
    const versions = (members: object, files: BundleFiles) =>
      bundle({ ...manifest(members), ...files }).modules.map(({ version }) => version);
    assert.deepEqual(versions({ rego_version: 0 }, { 'a.rego': v0 }), ['v0']);
    const perFile = { rego_version: 1, file_rego_versions: { '/old/*': 0, '/old/n/new.rego': 1 } };
    assert.deepEqual(versions(perFile, { 'old/n/a.rego': v0, 'b.rego': POLICY }), ['v0', 'v1']);
    assert.equal(readBundle(packBundle({ 'a.rego': v0 }), { host: NODE_HOST, version: 'v0' }).ok, true);
  });

  test('what nothing reads is told', () => {
    const { ignored, modules } = bundle({ 'policy.wasm': '\0asm', 'order/roles.json': '{}', 'a.rego': POLICY });
    assert.deepEqual(
      ignored.map(({ file, message }) => `${file} ${message}`),
      [
        'policy.wasm is not read: it is compiled for another engine',
        'order/roles.json is not read: it is neither a policy nor data',
      ],
    );
    assert.equal(modules.length, 1);
  });
});
