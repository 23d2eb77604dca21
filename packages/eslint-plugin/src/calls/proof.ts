/** Does a request prove who calls? By a header, by a client certificate, or by something that this file does not show. */
import type { SourceCode } from 'eslint';
import { originOf } from '../analysis/origin.ts';
import { resolve } from '../analysis/resolve.ts';
import { memberOfShape, type Shape, shapeOf } from '../analysis/shape.ts';
import type { Node } from '../analysis/syntax.ts';

/** `unseen`: it may, what it is made of comes from elsewhere. */
export type Proof = 'given' | 'unseen' | 'none';

export interface ProofOptions {
  /** Further header fields that are credentials, in lower case. */
  readonly headers?: readonly string[];
}

const CREDENTIAL_HEADERS = [
  'authorization',
  'dpop',
  'signature',
  'x-signature',
  'x-service-token',
  'x-vault-token',
  'proxy-authorization',
  'x-api-key',
];
/** Options of axios, got, Node and Sidegate that make every request prove itself. */
const CREDENTIAL_OPTIONS = [
  'auth',
  'username',
  'credentials',
  'identity',
  'mesh',
  'cert',
  'pfx',
  'certificate',
  'clientcert',
];
/** What runs before a request can put a header in. */
const HOOKS = ['hooks', 'onrequest', 'beforerequest', 'transformrequest', 'fetch', 'adapter'];
const TRANSPORTS = ['agent', 'dispatcher', 'httpsagent', 'https', 'connect', 'tls', 'factory', 'secureconfig'];
const PLAIN_TRANSPORTS =
  /^(?:undici|https?)\.(?:Agent|Pool|Client|ProxyAgent|RetryAgent|globalAgent|EnvHttpProxyAgent)(?:\(\))?$/;

export function proofOf(code: SourceCode, options: readonly Node[], { headers = [] }: ProofOptions = {}): Proof {
  const names = [...CREDENTIAL_HEADERS, ...headers];
  return strongest(options.map((each) => proofOfOptions(code, shapeOf(code, each), names)));
}

export function strongest(proofs: readonly Proof[]): Proof {
  if (proofs.includes('given')) return 'given';
  return proofs.includes('unseen') ? 'unseen' : 'none';
}

function proofOfOptions(code: SourceCode, shape: Shape, names: readonly string[]): Proof {
  if (CREDENTIAL_OPTIONS.some((name) => isGiven(code, shape, name))) return 'given';
  const headers = memberOfShape(shape, 'headers');
  return strongest([
    shape.unseen.length > 0 || HOOKS.some((name) => memberOfShape(shape, name) !== undefined) ? 'unseen' : 'none',
    headers === undefined ? 'none' : proofOfHeaders(shapeOf(code, headers.value), names),
    // HTTP/2 takes its fields as the options themselves.
    names.some((name) => name.includes('authorization') && memberOfShape(shape, name) !== undefined) ? 'given' : 'none',
    ...TRANSPORTS.map((name) => memberOfShape(shape, name)).map((member) =>
      member === undefined ? 'none' : proofOfTransport(code, member.value, names),
    ),
  ]);
}

function proofOfHeaders(shape: Shape, names: readonly string[]): Proof {
  // The common ones of axios lie one level deeper.
  if (names.some((name) => memberOfShape(shape, name) !== undefined)) return 'given';
  return shape.unseen.length > 0 || shape.members.has('common') ? 'unseen' : 'none';
}

/** An agent that this file makes without a certificate proves nothing; one from elsewhere may. */
function proofOfTransport(code: SourceCode, transport: Node, names: readonly string[]): Proof {
  const made = resolve(code, transport);
  if (made.type === 'ObjectExpression') return proofOfOptions(code, shapeOf(code, made), names);
  if (made.type !== 'NewExpression' && made.type !== 'MemberExpression') return isNothing(made) ? 'none' : 'unseen';
  if (!PLAIN_TRANSPORTS.test(originOf(code, made) ?? '')) return 'unseen';
  const given = made.type === 'NewExpression' ? made.arguments : [];
  return strongest(
    given
      .map((each) => resolve(code, each as Node))
      .filter((each) => each.type !== 'Literal' && each.type !== 'TemplateLiteral')
      .map((each) => proofOfOptions(code, shapeOf(code, each), names)),
  );
}

function isGiven(code: SourceCode, shape: Shape, name: string): boolean {
  const member = memberOfShape(shape, name);
  if (member === undefined) return false;
  const value = resolve(code, member.value);
  // `credentials: 'include'` of fetch is about cookies.
  return !isNothing(value) && !(name === 'credentials' && value.type === 'Literal');
}

function isNothing(node: Node): boolean {
  if (node.type === 'Literal') return node.value === null || node.value === false || node.value === '';
  return node.type === 'Identifier' && node.name === 'undefined';
}
