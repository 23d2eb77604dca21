/** One run of the fuzzer over files: a damaged bundle, or a damaged document, read as the commands read them. */
import { gzipSync } from 'node:zlib';
import {
  type BundleVerification,
  compile,
  EvaluationError,
  fromNative,
  NODE_HOST,
  readBundle,
  readSources,
} from '@sidegate/rego';
import { createBundleSigner, packBundle, signFiles } from '../support/policy-bundle.ts';
import { type TarEntry, writeTar } from '../support/tar-writer.ts';
import type { Corpus } from './corpus.ts';
import type { Call, FuzzRun } from './fuzz-run.ts';
import { mutatedText } from './mutate.ts';
import { runSeed, SeededRandom } from './seeded-random.ts';

const MANIFEST = '{"revision":"r1","roots":["a","b"],"rego_version":1,"file_rego_versions":{"/a/*.rego":1}}';
const JSON_DOCUMENT = '{"a":{"b":[1,2.5,true,null,"x"],"c":{"d":1e10}},"e":"\\u00e9"}';
const YAML_DOCUMENT = 'a: &a {x: 1, y: [2, "z"]}\nb: *a\nc:\n  <<: *a\n  d: |\n    text\n  e: 0x1f\n? key\n: !!str 1\n';
const NAMES = [
  'a/data.json',
  'b/data.yaml',
  'a/p.rego',
  '.manifest',
  '.signatures.json',
  'a/x.json',
  'c.yml',
  '../d.json',
];

/** `elapsed` answers in milliseconds; of what, the caller knows. */
export function fuzzFilesOnce(corpus: Corpus, seed: number, run: number, elapsed: () => number): FuzzRun {
  const random = new SeededRandom(runSeed(seed, run));
  const calls: Call[] = [];
  const subject = random.chance(0.5) ? damagedBundle(random, corpus) : damagedDocument(random);
  const found = { source: shown(subject), query: '', input: null };
  const before = elapsed();
  try {
    const accepted = read(subject, random.chance(0.3) ? VERIFICATION : undefined);
    calls.push({ what: 'read', milliseconds: elapsed() - before });
    return { ...found, accepted, calls, crash: undefined };
  } catch (error) {
    return { ...found, accepted: false, calls, crash: { what: 'read', error } };
  }
}

type Subject =
  | { readonly kind: 'bundle'; readonly bytes: Buffer }
  | { readonly kind: 'document'; readonly file: string; readonly bytes: Buffer };

const SIGNER = createBundleSigner();
const VERIFICATION: BundleVerification = { keys: { default: { key: SIGNER.publicPem, algorithm: 'ES256' } } };

function read(subject: Subject, verification: BundleVerification | undefined): boolean {
  const result =
    subject.kind === 'bundle'
      ? readBundle(subject.bytes, { host: NODE_HOST, ...(verification === undefined ? {} : { verification }) })
      : readSources([{ file: subject.file, folders: ['a'], bytes: subject.bytes }]);
  if (!result.ok) {
    if (result.diagnostics.length === 0) throw new Error('refused without a diagnostic');
    return false;
  }
  const { modules, data } = 'bundle' in result ? result.bundle : result;
  const compiled = compile(modules, { data: fromNative(data), limits: { steps: 20_000, milliseconds: 40 } });
  if (!compiled.ok) return false;
  try {
    compiled.policy.evaluate({});
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
  }
  return true;
}

/** Damage to the contents, to the archive's headers, to the archive's bytes, or to the packed bytes. */
function damagedBundle(random: SeededRandom, corpus: Corpus): Subject {
  const files = {
    '.manifest': text(random, MANIFEST),
    'a/data.json': text(random, JSON_DOCUMENT),
    'b/data.yaml': text(random, YAML_DOCUMENT),
    'a/p.rego': random.pick(corpus.sources),
  };
  const signed = random.chance(0.5) ? signFiles(files, SIGNER) : files;
  if (random.chance(0.3)) {
    const entries = Object.entries(signed).map(([name, content]) => damagedEntry(random, { name, content }));
    return { kind: 'bundle', bytes: gzipSync(writeTar(entries)) };
  }
  if (random.chance(0.3)) {
    const tar = writeTar(Object.entries(signed).map(([name, content]) => ({ name, content })));
    return { kind: 'bundle', bytes: gzipSync(damagedBytes(random, tar)) };
  }
  const packed = packBundle(signed);
  return { kind: 'bundle', bytes: random.chance(0.5) ? packed : damagedBytes(random, packed) };
}

function damagedEntry(random: SeededRandom, entry: TarEntry): TarEntry {
  if (random.chance(0.5)) return entry;
  return {
    ...entry,
    ...(random.chance(0.3) ? { name: random.pick(NAMES) } : {}),
    ...(random.chance(0.2) ? { type: random.pick(['0', '1', '2', '5', 'x', 'g', 'L', 'K', '\0']) } : {}),
    ...(random.chance(0.2) ? { prefix: random.pick(['a', '..', '/', 'a/b']) } : {}),
    ...(random.chance(0.2)
      ? { sizeField: random.pick(['00000000000\0', '77777777777\0', '-1', '', '0000000010 ']) }
      : {}),
    ...(random.chance(0.1) ? { checksumError: 1 } : {}),
  };
}

function damagedBytes(random: SeededRandom, bytes: Buffer): Buffer {
  const damaged = Buffer.from(bytes);
  for (let count = 1 + random.below(4); count > 0; count -= 1)
    damaged[random.below(damaged.length)] = random.below(256);
  return random.chance(0.2) ? damaged.subarray(0, random.below(damaged.length)) : damaged;
}

function damagedDocument(random: SeededRandom): Subject {
  const isYaml = random.chance(0.7);
  const damaged = mutatedText(
    random,
    isYaml ? YAML_DOCUMENT : JSON_DOCUMENT,
    random.pick([YAML_DOCUMENT, JSON_DOCUMENT, '{[&*!|>%@`']),
  );
  return { kind: 'document', file: isYaml ? 'x.yaml' : 'x.json', bytes: Buffer.from(damaged) };
}

function text(random: SeededRandom, original: string): string {
  return random.chance(0.7) ? original : mutatedText(random, original, JSON_DOCUMENT);
}

function shown(subject: Subject): string {
  if (subject.kind === 'document') return `${subject.file}\n${subject.bytes.toString()}`;
  return `a bundle in base64\n${subject.bytes.toString('base64')}`;
}
