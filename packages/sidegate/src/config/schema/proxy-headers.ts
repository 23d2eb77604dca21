/** `proxy.headers`: what the service behind us, the policy and the audit trail see of a request. */
import { z } from 'zod';
import { type Finding, reading, refuse } from './rule.ts';
import { headerName, readableHeader } from './scalars.ts';

/** Framing and routing are ours: nobody configures these. */
export const FRAMING: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const settable = () =>
  headerName().refine((name) => !FRAMING.has(name.toLowerCase()) && name.toLowerCase() !== 'authorization', {
    error: 'is a header that cannot be configured',
  });
const claimPath = () =>
  z
    .string()
    .regex(/^[^.\s]+(\.[^.\s]+)*$/u, 'is not a claim path')
    .meta({ examples: ['sub', 'realm_access.roles'] });

const headerValue = () =>
  z
    .string()
    .max(4096)
    .regex(/^[\t -~]*$/, 'has characters that a header cannot carry');

export const proxyHeadersSchema = z
  .strictObject({
    inject_user_id: settable().optional().describe('Header that gets the user id (`sub`).'),
    inject_email: settable().optional().describe('Header that gets `email`.'),
    inject_roles: settable().optional().describe('Header that gets `realm_access.roles`, joined by commas.'),
    inject_groups: settable().optional().describe('Header that gets `groups`, joined by commas.'),
    inject_claims: z
      .record(claimPath(), settable())
      .default({})
      .describe('Claim path → header; a list is joined by commas, an absent claim removes the header.'),
    extract: z
      .array(readableHeader())
      .default([])
      .describe('Headers in policy input and audit, under the names written here.'),
    remove: z.array(settable()).default([]).describe('Headers that the service behind us never gets.'),
    add: z.record(settable(), headerValue()).default({}).describe('Header → value; replaces what the client sent.'),
    pass_token: z
      .boolean()
      .default(false)
      .describe('Forward the token of the caller to the upstream; else it is removed.'),
    preserve_host: z.boolean().default(false).describe('Forward the Host of the request; else that of the upstream.'),
  })
  .superRefine(
    (headers, context) => refuse(context, findings(headers)),
    reading('inject_user_id', 'inject_email', 'inject_roles', 'inject_groups', 'inject_claims', 'remove', 'add'),
  );

type Headers = z.output<typeof proxyHeadersSchema>;

/** Two sources for one header: which one wins must not depend on an order that nobody sees. */
function* findings(headers: Headers): Generator<Finding> {
  const sources: [name: string, path: (string | number)[]][] = [];
  for (const key of ['inject_user_id', 'inject_email', 'inject_roles', 'inject_groups'] as const) {
    const name = headers[key];
    if (name !== undefined) sources.push([name, [key]]);
  }
  for (const [claim, name] of Object.entries(headers.inject_claims)) sources.push([name, ['inject_claims', claim]]);
  for (const name of Object.keys(headers.add)) sources.push([name, ['add', name]]);
  for (const [index, name] of headers.remove.entries()) sources.push([name, ['remove', index]]);
  const first = new Map<string, string>();
  for (const [name, path] of sources) {
    const other = first.get(name.toLowerCase());
    if (other !== undefined) yield { path, message: 'names a header that is configured twice', hint: `see ${other}` };
    else first.set(name.toLowerCase(), path.join('.'));
  }
}
