/** A request as its signer saw it, RFC 9421: this service's own host, and the fields that its signatures cover. */
import { Problem } from '../problem.ts';
import type { FieldLines, SignedRequest } from '../signatures/message.ts';
import { readSignatures } from '../signatures/signature-fields.ts';
import { type VerifyOptions, verifyMessage } from '../signatures/verify-message.ts';
import type { ReceivedRequest } from './received-request.ts';

export interface SignedRequestRules extends Omit<VerifyOptions, 'body' | 'bodyMustBeCovered' | 'structuredFields'> {
  /** The hosts under which this service is called. */
  readonly authorities: readonly string[];
  readonly scheme: 'https' | 'http';
}

const SIGNATURE_FIELDS: readonly string[] = ['signature-input', 'signature'];

/** @throws Problem `token_missing` when nothing is signed, `host_invalid`, or one of `verifyMessage` */
export async function verifySignedRequest(request: ReceivedRequest, rules: SignedRequestRules): Promise<void> {
  const { authorities, scheme, ...verification } = rules;
  const message = signedRequest(request, scheme);
  const own = authorities.map((authority) => withoutDefaultPort(authority, scheme));
  if (!own.includes(withoutDefaultPort(message.authority, scheme))) {
    throw new Problem('signature_invalid', 'the request names another host than this service has');
  }
  await verifyMessage(message, { ...verification, body: () => request.body(), bodyMustBeCovered: true });
}

function signedRequest(request: ReceivedRequest, scheme: string): SignedRequest {
  const signatures = linesOf(request, SIGNATURE_FIELDS);
  if (signatures.length === 0) throw new Problem('token_missing', 'the request is not signed');
  const names = readSignatures(signatures).flatMap(({ components }) => components.map(({ name }) => name));
  const fields = new Set(names.filter((name) => !name.startsWith('@') && !SIGNATURE_FIELDS.includes(name)));
  return {
    method: request.method,
    scheme,
    authority: authorityOf(request),
    target: request.target,
    headers: [...signatures, ...linesOf(request, [...fields])],
  };
}

function linesOf(request: ReceivedRequest, names: readonly string[]): FieldLines {
  return names.flatMap((name) => request.values(name).map((value): [string, string] => [name, value]));
}

function authorityOf(request: ReceivedRequest): string {
  const [host, another] = request.values('host');
  if (host === undefined || another !== undefined) throw new Problem('host_invalid', 'the request has not one Host');
  return host;
}

function withoutDefaultPort(authority: string, scheme: 'https' | 'http'): string {
  return authority.toLowerCase().replace(scheme === 'https' ? /:443$/ : /:80$/, '');
}
