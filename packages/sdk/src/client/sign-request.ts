/** The fields that sign a request beside what signs it already; a body is covered by its digest. */
import { contentDigest } from '../signatures/content-digest.ts';
import type { SignedRequest } from '../signatures/message.ts';
import { type SignOptions, signMessage } from '../signatures/sign-message.ts';
import type { OutgoingRequest } from './credentials.ts';

/** @throws Problem `signature_invalid` when the request lacks a component, or the key is not one for its algorithm */
export function signRequest(request: OutgoingRequest, options: SignOptions): Record<string, string> {
  const digest = request.body === undefined ? {} : { 'content-digest': contentDigest(request.body) };
  const components = [...options.components, ...Object.keys(digest)];
  const { signatureInput, signature } = signMessage(messageOf(request, digest), { ...options, components });
  return {
    ...digest,
    'signature-input': joined(request.headers['signature-input'], signatureInput),
    signature: joined(request.headers['signature'], signature),
  };
}

function messageOf({ method, url, headers }: OutgoingRequest, digest: Readonly<Record<string, string>>): SignedRequest {
  return {
    method,
    scheme: url.protocol.slice(0, -1),
    authority: url.host,
    target: url.pathname + url.search,
    headers: Object.entries({ ...headers, ...digest }),
  };
}

function joined(existing: string | undefined, added: string): string {
  return existing === undefined ? added : `${existing}, ${added}`;
}
