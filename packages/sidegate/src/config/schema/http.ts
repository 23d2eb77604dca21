/** `http`: the listener that other services and users reach. */
import { z } from 'zod';
import { trustDomainName } from './jwt-trust-domains.ts';
import { type Finding, reading, refuse } from './rule.ts';
import { address, duration, filePath } from './scalars.ts';
import { filesBeside, identitySource } from './workload-api.ts';

const tlsSchema = z
  .strictObject({
    enabled: z.boolean().default(false).describe('TLS 1.2 and 1.3; without it the listener speaks plain HTTP.'),
    source: identitySource().describe(
      'Where certificate and key come from; `workload_api` and `authority`: of the chapter of that name, and clients are verified with its bundle where `client_ca_file` names nobody else; those of `authority` also against its revocation lists, unless `client_crl_file` names others.',
    ),
    cert_file: filePath().optional().describe('Server certificate chain, PEM; required with TLS and `source: files`.'),
    key_file: filePath().optional().describe('Its private key, PEM, readable by its owner only; required with it.'),
    client_ca_file: filePath().optional().describe('CA that signs the certificates of clients, PEM.'),
    client_crl_file: filePath()
      .optional()
      .describe(
        'Revocation lists, PEM, one of each authority above a client: whoever is listed fails the handshake, and so does everybody whose list is missing or past its next update.',
      ),
    client_trust_domains: z
      .array(trustDomainName())
      .max(64)
      .default([])
      .describe(
        'Other trust domains whose workloads may be clients, each verified with its own bundle, as the source of our identity has it: that it federates with them is not enough. The revocation lists of that source speak for the own trust domain; with `client_crl_file` every client needs one.',
      ),
    client_auth: z
      .enum(['none', 'require'])
      .default('none')
      .describe('`require` refuses, in the handshake, a client without a certificate of `client_ca_file`.'),
  })
  .superRefine(
    (tls, context) => refuse(context, tlsFindings(tls)),
    reading('enabled', 'source', 'client_auth', 'client_trust_domains'),
  );

export const httpSchema = z.strictObject({
  addr: address().prefault(':8443').describe('Where to listen; without host on every interface.'),
  read_timeout: duration('10ms', '10m').prefault('10s').describe('For a whole request head.'),
  write_timeout: duration('10ms', '1h').prefault('60s').describe('For a response that makes no progress.'),
  idle_timeout: duration('10ms', '1h').prefault('120s').describe('For a connection without a request.'),
  max_header_bytes: z
    .int()
    .min(1024)
    .max(1_048_576)
    .default(65_536)
    .describe('Request head; more is refused with 431.'),
  tls: tlsSchema.prefault({}),
});

function* tlsFindings(tls: z.output<typeof tlsSchema>): Generator<Finding> {
  const needs = (key: 'cert_file' | 'key_file' | 'client_ca_file', hint: string): Finding[] =>
    tls[key] === undefined ? [{ path: [key], message: 'is required', hint, code: 'missing_key' }] : [];
  const files = tls.source === 'files';
  if (!files) yield* filesBeside(tls, ['cert_file', 'key_file']);
  if (tls.enabled && files) {
    yield* needs('cert_file', 'tls.enabled is true');
    yield* needs('key_file', 'tls.enabled is true');
  }
  if (tls.client_crl_file !== undefined && tls.client_auth !== 'require') {
    yield { path: ['client_crl_file'], message: 'needs client_auth: require', hint: 'nobody shows a certificate' };
  }
  if (tls.client_trust_domains.length > 0) yield* trustDomainFindings(tls);
  if (tls.client_auth === 'require') {
    if (files) yield* needs('client_ca_file', 'client_auth is require');
    if (!tls.enabled) yield { path: ['client_auth'], message: 'needs TLS', hint: 'set tls.enabled to true' };
  }
}

function* trustDomainFindings(tls: z.output<typeof tlsSchema>): Generator<Finding> {
  const path = ['client_trust_domains'];
  if (tls.source === 'files') {
    yield { path, message: 'needs bundles', hint: 'set source to workload_api or authority' };
  } else if (tls.client_ca_file !== undefined) {
    yield { path, message: 'is not used', hint: 'client_ca_file says who signs clients: remove one of both' };
  }
  if (tls.client_auth !== 'require') {
    yield { path, message: 'needs client_auth: require', hint: 'nobody shows a certificate' };
  }
}
