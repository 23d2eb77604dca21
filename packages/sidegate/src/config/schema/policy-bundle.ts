/** `policy.bundle`: who may sign bundles, and the server that they come from. */
import { z } from 'zod';
import { type Finding, reading, refuse } from './rule.ts';
import { duration, filePath, name, secret, url } from './scalars.ts';
import { SIGNING_ALGORITHMS } from './signing-algorithms.ts';

const bundleKey = z.strictObject({
  algorithm: z.enum(SIGNING_ALGORITHMS).default('RS256').describe('What the key signs with; the bundle has no say.'),
  key: z.string().optional().describe('Public key or certificate in PEM.'),
  key_file: filePath().optional().describe('The same, in a file.'),
  scope: z.string().min(1).optional().describe('What its signatures must be for; absent: for no scope.'),
});

const bundleFile = z.strictObject({
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
  enabled: z
    .boolean()
    .default(false)
    .describe('Fetch the bundle from `url` again and again; `policy.path` is where the last good one is kept.'),
  url: url().optional().describe('Where the bundle is.'),
  polling_interval: duration('1s', '24h').prefault('60s').describe('The server is asked for a newer one this often.'),
  auth_type: z.enum(['none', 'bearer']).default('none').describe('How we prove to the server who asks.'),
  auth_token: secret(/^[A-Za-z0-9._~+/-]{1,8192}={0,2}$/, 'is not a bearer token')
    .optional()
    .describe('For `bearer`.'),
});

export const bundleSchema = bundleFile
  .superRefine(
    (settings, context) => refuse(context, fetchFindings(settings)),
    reading('enabled', 'url', 'auth_type', 'auth_token'),
  )
  .describe('Signatures of the bundle, and where to fetch it. Nothing but a bundle that a key signed is loaded.');

function* fetchFindings({
  enabled,
  url: from,
  auth_type,
  auth_token,
}: z.output<typeof bundleFile>): Generator<Finding> {
  const missing = (key: string, hint: string): Finding => ({
    path: [key],
    message: 'is required',
    hint,
    code: 'missing_key',
  });
  if (enabled && from === undefined) yield missing('url', 'enabled is true');
  if (!enabled && from !== undefined) {
    yield { path: ['url'], message: 'is set, but not fetched', hint: 'set enabled to true, or remove url' };
  }
  if (auth_type === 'bearer' && auth_token === undefined) yield missing('auth_token', 'auth_type is bearer');
  if (auth_type === 'none' && auth_token !== undefined) {
    yield { path: ['auth_token'], message: 'is not sent', hint: 'set auth_type to bearer, or remove auth_token' };
  }
}
