/** `policy`: who decides, and whose policies. */
import { z } from 'zod';
import { isLoopback } from '../address.ts';
import { bundleSchema } from './policy-bundle.ts';
import { type Finding, reading, refuse } from './rule.ts';
import { duration, filePath, origin } from './scalars.ts';

const ruleQuery = () =>
  z
    .string()
    .regex(/^data(\.[A-Za-z_][A-Za-z0-9_]*){2,}$/, 'is not `data.<package>.<rule>`')
    .meta({ examples: ['data.gateway.allow'] });

const policyPath = () =>
  filePath().describe(
    'Folder of `.rego` files and data (`.json`, `.yaml`, at the path of their folder), or an OPA bundle ' +
      '(`*.tar.gz`); `*_test.rego` and hidden files are not loaded. For `builtin` the file of roles (`*.yaml`), for ' +
      '`opa_wasm` a bundle that `opa build -t wasm` made.',
  );

const opa = z.strictObject({
  url: origin()
    .refine((text) => isLoopback(new URL(text).hostname), { error: 'is not a loopback address' })
    .describe('Where OPA listens: on this machine, since whoever answers decides.'),
  policy_path: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*(\/[A-Za-z_][A-Za-z0-9_]*)+$/, 'is not `<package>/<rule>`')
    .optional()
    .meta({ examples: ['gateway/allow'] })
    .describe('The rule; absent: the query, with `/` for `.`.'),
  timeout: duration('1ms', '10s').prefault('100ms').describe('For one decision, all attempts together.'),
  retry: z.int().min(0).max(5).default(1).describe('How often a broken connection is tried again.'),
});

const fallback = z
  .strictObject({
    engine: z.enum(['builtin', 'opa_embedded']).describe('An engine of this process.'),
    path: filePath().describe('Its roles or policies.'),
    data_path: filePath().optional().describe('As `policy.data_path`.'),
  })
  .describe('Who decides while OPA does not answer, or before a first bundle is there; absent: everything is denied.');

const DEFAULT_PATH = '/etc/authz/policies';

const policyFile = z.strictObject({
  engine: z
    .enum(['opa_embedded', 'builtin', 'opa_sidecar', 'opa_wasm'])
    .default('opa_embedded')
    .describe(
      'Rego, evaluated in this process; roles and their permissions; the real OPA beside us; or a policy that OPA ' +
        'compiled to WebAssembly.',
    ),
  path: policyPath().default(DEFAULT_PATH),
  data_path: filePath().optional().describe('File or folder of more data, without policies; not beside a bundle.'),
  hot_reload: z
    .boolean()
    .default(true)
    .describe('Whether changed policies and data are taken over while it runs; SIGHUP always does.'),
  query: ruleQuery().optional().describe('The same as `proxy.authz.policy_query`; absent: `data.authz.allow`.'),
  print_enabled: z
    .boolean()
    .default(false)
    .describe('Whether what policies `print` is logged, which may be anything of the input; off, it costs nothing.'),
  default_decision: z
    .literal('deny')
    .default('deny')
    .describe('What counts when no rule answers: always a denial, `policy_undefined`.'),
  opa: opa.optional().describe('For `opa_sidecar`.'),
  fallback: fallback.optional(),
  bundle: bundleSchema.optional(),
});

type PolicyFile = z.output<typeof policyFile>;

export const policySchema = policyFile
  .superRefine(
    (policy, context) => refuse(context, engineFindings(policy)),
    reading('engine', 'path', 'data_path', 'print_enabled', 'opa', 'query', 'fallback', 'bundle'),
  )
  .superRefine((policy, context) => refuse(context, signatureFindings(policy)), reading('path', 'data_path', 'bundle'));

/** A key that the engine would not look at is refused: whoever wrote it believes that it decides. */
function* engineFindings(policy: PolicyFile): Generator<Finding> {
  const { engine, path, opa: sidecar, fallback: other } = policy;
  const unused = (key: string): Finding => ({
    path: [key],
    message: `is not used by the engine ${engine}`,
    hint: 'remove it, or choose another engine',
  });
  if (engine === 'opa_sidecar') {
    if (sidecar === undefined)
      yield { path: ['opa'], message: 'is required', hint: 'set opa.url', code: 'missing_key' };
    if (path !== DEFAULT_PATH) yield unused('path');
  } else if (sidecar !== undefined) yield unused('opa');
  if (engine !== 'opa_embedded' && policy.data_path !== undefined) yield unused('data_path');
  if (engine !== 'opa_embedded' && policy.print_enabled) yield unused('print_enabled');
  if (engine === 'builtin' && policy.query !== undefined) yield unused('query');
  if (policy.bundle !== undefined && engine !== 'opa_embedded' && engine !== 'opa_wasm') yield unused('bundle');
  if (engine === 'builtin' && !isRoleFile(path)) yield { path: ['path'], ...NO_ROLES };
  if (engine === 'opa_wasm' && !isBundle(path)) {
    yield { path: ['path'], message: 'is no bundle', hint: 'name a bundle (*.tar.gz) that opa build -t wasm made' };
  }
  if (other === undefined) return;
  if (engine !== 'opa_sidecar' && policy.bundle?.enabled !== true) yield unused('fallback');
  if (other.engine === 'builtin' && !isRoleFile(other.path)) yield { path: ['fallback', 'path'], ...NO_ROLES };
  if (other.engine === 'builtin' && other.data_path !== undefined) {
    yield { path: ['fallback', 'data_path'], message: 'is not used by the engine builtin', hint: 'remove it' };
  }
}

const NO_ROLES = { message: 'is no file of roles', hint: 'name a .yaml file with roles' };

const isBundle = (path: string): boolean => path.endsWith('.tar.gz');
const isRoleFile = (path: string): boolean => /\.(?:ya?ml|json)$/.test(path);

/** Whoever configures a key believes that only signed policies decide. */
function* signatureFindings({ path, data_path, bundle: signed }: PolicyFile): Generator<Finding> {
  const bundled = isBundle(path);
  if (bundled && data_path !== undefined) {
    yield { path: ['data_path'], message: 'is set beside a bundle', hint: 'put the data into the bundle' };
  }
  if (signed === undefined) return;
  if (!bundled) {
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
