/**
 * A token that differs from a genuine one in some claims and is still signed with the issuer's own key: what remains to
 * be refused when the signature is right. Possible only where the lab itself keeps the keys of its identity provider.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param keyDirectory holds `<realm>.<algorithm>.pem` */
export function forgeToken(
  genuine: string,
  changes: Readonly<Record<string, unknown>>,
  { keyDirectory, realm }: { readonly keyDirectory: string; readonly realm: string },
): string {
  const [header = '', payload = ''] = genuine.split('.');
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { readonly alg: string };
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Record<string, unknown>;
  const signed = `${header}.${Buffer.from(JSON.stringify({ ...claims, ...changes })).toString('base64url')}`;
  const key = createPrivateKey(readFileSync(join(keyDirectory, `${realm}.${alg.toLowerCase()}.pem`)));
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}
