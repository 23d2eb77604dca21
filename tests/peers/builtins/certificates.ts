/** Certificates, certificate requests and private keys, well and badly written. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createTestAuthority, type TestCertificateOptions } from '../../support/certificates.ts';
import type { BuiltinRows } from '../builtin-batch.ts';
import { calls, text } from './arguments.ts';

const root = createTestAuthority('root');
const rsaRoot = createTestAuthority('rsa root', { keyAlgorithm: 'rsa-2048' });
const leaves: readonly TestCertificateOptions[] = [
  {},
  { subject: [{ CN: 'a' }, { O: 'b' }, { OU: 'c' }, { C: 'DE' }] },
  { subject: [{ CN: 'a', O: 'b' }] },
  { subject: [] },
  { dns: ['a.example', '*.b.example'] },
  { uris: ['spiffe://zone1.local/order', 'https://a.example/x?y#z'] },
  { emails: ['a@example.com'] },
  { ips: ['127.0.0.1', '::1'] },
  { dns: ['a.example'], uris: ['spiffe://x/y'], ips: ['10.0.0.1'] },
];
const issued = leaves.map((options) => root.issue(options));
const [leaf = root] = issued;
const named = issued[4] ?? root;
const rsaLeaf = rsaRoot.issue({ dns: ['a.example'] });

const encoded = (value: string): string => Buffer.from(value).toString('base64');
const block = (label: string, bytes: Buffer): string =>
  `-----BEGIN ${label}-----\n${bytes.toString('base64')}\n-----END ${label}-----\n`;
const CERTIFICATES = [
  ...issued.map(({ certPem }) => certPem),
  root.certPem,
  rsaRoot.certPem,
  rsaLeaf.certPem,
  root.certPem + leaf.certPem,
  encoded(leaf.certPem),
  leaf.der.toString('base64'),
  Buffer.concat([root.der, leaf.der]).toString('base64'),
  leaf.certPem.replaceAll('\n', '\r\n'),
];
const DAMAGED = [
  '',
  'x',
  '!',
  '-----BEGIN CERTIFICATE-----',
  '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
  '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n',
  '-----BEGIN X-----\nMAA=\n-----END X-----\n',
  block('CERTIFICATE', leaf.der.subarray(0, -1)),
  block('CERTIFICATE', Buffer.concat([leaf.der, Buffer.from([0])])),
  leaf.certPem.replace('END CERTIFICATE', 'END X'),
  leaf.certPem.slice(0, -40),
  leaf.keyPem,
  `text before\n${leaf.certPem}text after`,
  leaf.keyPem + leaf.certPem,
  encoded('x'),
];

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const ec384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const ed = generateKeyPairSync('ed25519').privateKey;
const pem = (key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1'): string =>
  key.export({ type, format: 'pem' } as { type: 'pkcs8'; format: 'pem' });
const KEYS = [
  pem(rsa, 'pkcs1'),
  pem(rsa, 'pkcs8'),
  pem(ec, 'sec1'),
  pem(ec, 'pkcs8'),
  pem(ec384, 'sec1'),
  pem(ed, 'pkcs8'),
  pem(rsa, 'pkcs8') + pem(ec, 'sec1'),
  pem(rsa, 'pkcs1') + leaf.certPem,
  leaf.certPem + pem(rsa, 'pkcs1'),
  encoded(pem(rsa, 'pkcs1')),
  encoded(pem(ec, 'pkcs8')),
  pem(rsa, 'pkcs8').replaceAll('\n', '\r\n'),
];

const OPTIONS = [
  '{}',
  '{"DNSName": "a.example"}',
  '{"DNSName": "x.b.example"}',
  '{"DNSName": "A.EXAMPLE"}',
  '{"DNSName": "other.example"}',
  '{"DNSName": ""}',
  '{"DNSName": 1}',
  '{"CurrentTime": 0}',
  '{"CurrentTime": "x"}',
  '{"CurrentTime": 4102444800000000000}',
  '{"MaxConstraintComparisons": 1}',
  '{"MaxConstraintComparisons": "x"}',
  '{"KeyUsages": ["KeyUsageAny"]}',
  '{"KeyUsages": ["KeyUsageServerAuth"]}',
  '{"KeyUsages": ["KeyUsageCodeSigning"]}',
  '{"KeyUsages": {"KeyUsageClientAuth", "KeyUsageServerAuth"}}',
  '{"KeyUsages": ["x"]}',
  '{"KeyUsages": [1]}',
  '{"KeyUsages": []}',
  '{"KeyUsages": "KeyUsageAny"}',
  '{"Unknown": 1}',
];
const CHAINS = [
  root.certPem + leaf.certPem,
  root.certPem + named.certPem,
  rsaRoot.certPem + rsaLeaf.certPem,
  rsaRoot.certPem + leaf.certPem,
  leaf.certPem + root.certPem,
  root.certPem,
  root.certPem + root.certPem,
  leaf.certPem + leaf.certPem,
];

/** Private keys are JSON Web Keys here; OPA shows the fields of Go's types. */
const CALLS: readonly BuiltinRows[] = [
  calls('crypto.x509.parse_certificates', [[...CERTIFICATES, ...DAMAGED].map(text)]),
  calls('crypto.x509.parse_and_verify_certificates', [[...CHAINS, ...CERTIFICATES, ...DAMAGED].map(text)]),
  calls('crypto.x509.parse_and_verify_certificates_with_options', [CHAINS.map(text), OPTIONS], { limit: 400 }),
  calls('crypto.x509.parse_certificate_request', [[...CERTIFICATES, ...DAMAGED, ...KEYS].map(text)]),
  calls(
    'crypto.x509.parse_keypair',
    [
      [leaf.certPem, rsaLeaf.certPem, encoded(leaf.certPem), ...DAMAGED].map(text),
      [leaf.keyPem, rsaLeaf.keyPem, encoded(leaf.keyPem), ...KEYS, ''].map(text),
    ],
    { expression: 'object.remove(crypto.x509.parse_keypair($), ["PrivateKey"])' },
  ),
  calls('crypto.x509.parse_rsa_private_key', [[...KEYS, ...DAMAGED].map(text)]),
  calls('crypto.parse_private_keys', [[...KEYS, ...DAMAGED].map(text)], {
    expression: 'type_name(crypto.parse_private_keys($))',
  }),
];
export const CERTIFICATE_CALLS: readonly BuiltinRows[] = CALLS.map((each) => ({ ...each, ownWords: true }));
