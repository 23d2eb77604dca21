/** Whose bundles count: the keys of `policy.bundle`, read. */
import type { BundleKey, BundleVerification } from '@sidegate/rego';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { Assembly } from './assembly.ts';

type Signed = Pick<NonNullable<SidecarConfig['policy']['bundle']>, 'keys' | 'signing'>;
type Ports = Pick<Assembly, 'readFile' | 'findings'>;

/** A key that cannot be read is a finding, and is not among the keys: a bundle that it signed is refused. */
export function assembleVerification({ keys, signing }: Signed, assembly: Ports): BundleVerification {
  const read = Object.entries(keys).flatMap(([id, { algorithm, scope, key, key_file: file }]) => {
    const pem = key ?? readKey(file ?? '', assembly);
    const trusted: BundleKey = { key: pem ?? '', algorithm, ...(scope === undefined ? {} : { scope }) };
    return pem === undefined ? [] : [[id, trusted] as const];
  });
  return {
    keys: Object.fromEntries(read),
    ...(signing.keyid === undefined ? {} : { keyId: signing.keyid }),
    ...(signing.scope === undefined ? {} : { scope: signing.scope }),
  };
}

function readKey(file: string, { readFile, findings }: Ports): string | undefined {
  const refused = (message: string, hint: string): undefined => {
    findings.push({ file, severity: 'error', message, hint });
  };
  try {
    const pem = readFile(file).text;
    if (!pem.includes('PRIVATE KEY')) return pem;
    return refused('holds a private key', 'give the public key: that is all it takes');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return refused(`cannot be read (${code})`, 'policy.bundle.keys must name a public key in PEM');
  }
}
