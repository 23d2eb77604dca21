/** Registration entries: which workload, by what was seen of it, is which SPIFFE ID. */
import { parseSpiffeId, type SpiffeId, SpiffeIdError } from '@sidegate/sdk';
import { dnsNameProblem } from '../ca/names.ts';

/** As somebody wrote it. */
export interface RegistrationText {
  readonly spiffeId: string;
  readonly selectors: readonly string[];
  readonly x509TtlMs: number;
  readonly jwtTtlMs: number;
  readonly dnsNames: readonly string[];
  readonly hint: string;
}

export interface RegistrationEntry extends Omit<RegistrationText, 'spiffeId'> {
  readonly id: SpiffeId;
}

export interface RegistrationFinding {
  /** Of the entry. */
  readonly index: number;
  readonly message: string;
}

export interface CompiledRegistrations {
  /** Complete only when there is no finding. */
  readonly entries: readonly RegistrationEntry[];
  readonly findings: readonly RegistrationFinding[];
}

const SELECTOR_VALUES: ReadonlyMap<string, RegExp> = new Map([
  ['unix:uid', /^(?:0|[1-9][0-9]{0,9})$/],
  ['unix:gid', /^(?:0|[1-9][0-9]{0,9})$/],
  ['unix:path', /^\/[^\0]{1,4095}$/],
  ['k8s:ns', /^[a-z0-9-]{1,63}$/],
  ['k8s:sa', /^[a-z0-9.-]{1,253}$/],
  ['k8s:pod-name', /^[a-z0-9.-]{1,253}$/],
  ['k8s:pod-uid', /^[0-9a-f-]{1,64}$/],
  ['k8s:node-name', /^[a-z0-9.-]{1,253}$/],
]);
/** A program's path is the peer's own word in a mount namespace of its own, a name of Kubernetes is unique within its namespace. */
const NEEDS: readonly (readonly [kind: string, companion: string])[] = [
  ['unix:path', 'unix:uid'],
  ['k8s:sa', 'k8s:ns'],
  ['k8s:pod-name', 'k8s:ns'],
];
const HINT = /^[A-Za-z0-9._-]{0,64}$/;
const [MIN_TTL_MS, MAX_X509_TTL_MS, MAX_JWT_TTL_MS] = [1_000, 7 * 86_400_000, 3_600_000];

export function compileRegistrations(texts: readonly RegistrationText[], trustDomain: string): CompiledRegistrations {
  const entries: RegistrationEntry[] = [];
  const findings: RegistrationFinding[] = [];
  const seen = new Set<string>();
  for (const [index, { spiffeId, ...rest }] of texts.entries()) {
    const id = idOf(spiffeId, trustDomain);
    const problems = [...(typeof id === 'string' ? [id] : []), ...problemsOf(rest)];
    const key = JSON.stringify([spiffeId, rest.selectors.toSorted()]);
    if (seen.has(key)) problems.push('the same SPIFFE ID for the same selectors as an entry above');
    seen.add(key);
    findings.push(...problems.map((message) => ({ index, message })));
    if (typeof id !== 'string') entries.push({ id, ...rest });
  }
  return { entries, findings };
}

/** Those whose selectors are all among what was seen. */
export function matching(
  entries: readonly RegistrationEntry[],
  seen: ReadonlySet<string>,
): readonly RegistrationEntry[] {
  return entries.filter(({ selectors }) => selectors.length > 0 && selectors.every((selector) => seen.has(selector)));
}

function idOf(text: string, trustDomain: string): SpiffeId | string {
  try {
    const id = parseSpiffeId(text);
    if (id.trustDomain !== trustDomain) return `the SPIFFE ID is not of the trust domain ${trustDomain}`;
    return id.path === '' ? 'the SPIFFE ID names the trust domain, not a workload' : id;
  } catch (error) {
    if (error instanceof SpiffeIdError) return `the SPIFFE ID is none: ${error.message}`;
    throw error;
  }
}

function problemsOf(entry: Omit<RegistrationText, 'spiffeId'>): string[] {
  const kinds = entry.selectors.map((selector) => kindOf(selector));
  const problems = entry.selectors.flatMap((selector, index) =>
    kinds[index] === undefined
      ? [`the selector ${JSON.stringify(selector.slice(0, 100))} is none that is ever seen`]
      : [],
  );
  if (entry.selectors.length === 0) problems.push('no selector, so it would be everybody');
  for (const [kind, companion] of NEEDS) {
    if (kinds.includes(kind) && !kinds.includes(companion))
      problems.push(`${kind} alone proves nothing, add ${companion}`);
  }
  if (!within(entry.x509TtlMs, MAX_X509_TTL_MS))
    problems.push('the life of its X.509-SVIDs is not between 1 s and 7 days');
  if (!within(entry.jwtTtlMs, MAX_JWT_TTL_MS)) problems.push('the life of its JWT-SVIDs is not between 1 s and 1 hour');
  if (!HINT.test(entry.hint)) problems.push('the hint is not up to 64 letters, digits, dots, hyphens and underscores');
  for (const name of entry.dnsNames) {
    const problem = dnsNameProblem(name);
    if (problem !== undefined) problems.push(`the DNS name ${JSON.stringify(name)} ${problem}`);
  }
  return problems;
}

function within(milliseconds: number, most: number): boolean {
  return milliseconds >= MIN_TTL_MS && milliseconds <= most;
}

/** Undefined: it is never seen of anybody. */
function kindOf(selector: string): string | undefined {
  const [type, name, ...rest] = selector.split(':');
  const kind = `${type}:${name}`;
  return SELECTOR_VALUES.get(kind)?.test(rest.join(':')) === true ? kind : undefined;
}
