/** `policy`: who decides, and whose policies. */
import { z } from 'zod';
import { type Finding, reading, refuse } from './rule.ts';
import { filePath, name } from './scalars.ts';

/** Of public keys only: whoever holds a secret that verifies could also sign. */
export const SIGNING_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

const bundleKey = z.strictObject({
  algorithm: z.enum(SIGNING_ALGORITHMS).default('RS256').describe('What the key signs with; the bundle has no say.'),
  key: z.string().optional().describe('Public key or certificate in PEM.'),
  key_file: filePath().optional().describe('The same, in a file.'),
  scope: z.string().min(1).optional().describe('What its signatures must be for; absent: for no scope.'),
});

const bundle = z
  .strictObject({
    keys: z
      .record(name(), bundleKey)
      .refine((keys) => Object.keys(keys).length > 0, { error: 'names no key' })
      .describe('Who may sign: key id → public key.'),
    signing: z
      .strictObject({
        keyid: name().optional().describe('The key that must have signed; absent: the one that the bundle names.'),
        scope: z.string().min(1).optional().describe('In the place of the scope of the key.'),
      })
      .prefault({}),
  })
  .describe('Signatures of the bundle. With a key, nothing but a bundle that it signed is loaded.');

const policyFile = z.strictObject({
  engine: z.enum(['opa_embedded']).default('opa_embedded').describe('Rego, evaluated in this process.'),
  path: filePath()
    .default('/etc/authz/policies')
    .describe(
      'Folder of `.rego` files and data (`.json`, `.yaml`, at the path of their folder), or an OPA bundle ' +
        '(`*.tar.gz`); `*_test.rego` and hidden files are not loaded.',
    ),
  data_path: filePath().optional().describe('File or folder of more data, without policies; not beside a bundle.'),
  bundle: bundle.optional(),
});

type PolicyFile = z.output<typeof policyFile>;

export const policySchema = policyFile.superRefine(
  (policy, context) => refuse(context, signatureFindings(policy)),
  reading('path', 'data_path', 'bundle'),
);

/** Whoever configures a key believes that only signed policies decide. */
function* signatureFindings({ path, data_path, bundle: signed }: PolicyFile): Generator<Finding> {
  const isBundle = path.endsWith('.tar.gz');
  if (isBundle && data_path !== undefined) {
    yield { path: ['data_path'], message: 'is set beside a bundle', hint: 'put the data into the bundle' };
  }
  if (signed === undefined) return;
  if (!isBundle) {
    const hint = 'name a bundle (*.tar.gz), or remove policy.bundle';
    yield { path: ['path'], message: 'is no bundle, which alone can be signed', hint };
  }
  const { keys, signing } = signed;
  const ids = Object.keys(keys);
  if (signing.keyid !== undefined && !ids.includes(signing.keyid)) {
    yield { path: ['bundle', 'signing', 'keyid'], message: 'is none of the keys', hint: `use ${ids.join(' or ')}` };
  }
  for (const [id, { key, key_file }] of Object.entries(keys)) {
    const at = ['bundle', 'keys', id];
    if ((key === undefined) === (key_file === undefined)) {
      yield { path: at, message: 'needs either key or key_file', hint: 'give one of them' };
    }
    if (key?.includes('PRIVATE KEY') === true) {
      yield { path: [...at, 'key'], message: 'is a private key', hint: 'give the public key: that is all it takes' };
    }
  }
}
