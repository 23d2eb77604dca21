/** `/ca/…`: enrolment, renewal, trust bundles and revocation lists over HTTP. */
import type { InboundRequest } from '../../net/listener.ts';
import { revocationListPem } from '../ca/revocation-list.ts';
import { type Answer, errorAnswer } from '../issuer/answer.ts';
import { type EndpointRequest, readEndpointRequest } from '../issuer/endpoint-request.ts';
import { type FailureLimit, failureLimit } from '../issuer/failure-limit.ts';
import { OAuthError } from '../issuer/oauth-error.ts';
import type { Route, Routes } from '../issuer/serve.ts';
import { shownCertificate } from '../issuer/shown-certificate.ts';
import { readEnrolment, readRenewal } from './asked-for.ts';
import { type CertificateAuthority, type IssuedChain, renewableAt } from './certificate-authority.ts';
import type { CertificateEvent } from './certificate-event.ts';
import { EnrolmentRefused } from './enrolment-refused.ts';
import type { RevocationLists } from './revocation-lists.ts';
import { bundlePem, spiffeBundle } from './trust-bundle.ts';

export interface EnrolmentEndpoint {
  readonly ca: CertificateAuthority;
  readonly lists: RevocationLists;
  /** Those that sign JWT-SVIDs of this trust domain; none: nothing does. */
  readonly jwtKeys: () => readonly object[];
  /** The bundles of other trust domains, as they were published there. */
  readonly federated: () => ReadonlyMap<string, Buffer>;
  readonly log: (event: CertificateEvent) => void;
}

const FAILURE_LIMIT = { failures: 20, windowMs: 60_000, maxCallers: 10_000 } as const;
const READ = ['GET', 'HEAD'] as const;

export function enrolmentRoutes(endpoint: EnrolmentEndpoint): Routes {
  const failures = failureLimit(FAILURE_LIMIT);
  const routes: Readonly<Record<string, Route>> = {
    '/ca/enrol': post('enrol', { endpoint, failures }),
    '/ca/renew': post('renew', { endpoint, failures }),
    '/ca/bundle': { methods: READ, answer: (request) => guarded(() => answerBundle(request, endpoint)) },
    '/ca/bundle.pem': { methods: READ, answer: () => guarded(async () => pem(bundlePem(await endpoint.ca.bundle()))) },
    '/ca/bundles': { methods: READ, answer: () => bytes('application/json', bundleMap(endpoint.federated())) },
    '/ca/crl': { methods: READ, answer: () => guarded(() => answerLists(endpoint)) },
  };
  return (path) => {
    if (Object.hasOwn(routes, path)) return routes[path];
    const [, kind, name = ''] = /^\/ca\/(crl|bundles)\/([A-Za-z0-9._-]+)$/.exec(path) ?? [];
    if (kind === 'crl') return { methods: READ, answer: () => guarded(() => answerList(name, endpoint)) };
    const bundle = kind === 'bundles' ? endpoint.federated().get(name) : undefined;
    return bundle && { methods: READ, answer: () => bytes('application/json', bundle) };
  };
}

interface Context {
  readonly endpoint: EnrolmentEndpoint;
  readonly failures: FailureLimit;
}

type Operation = CertificateEvent['operation'];

function post(operation: Operation, context: Context): Route {
  return {
    methods: ['POST'],
    answer: (request) =>
      answerIssuance(operation, readEndpointRequest(request, shownCertificate(request.socket)), context),
  };
}

/** Never rejects. Whatever is thrown is a refusal, and nothing was issued. */
async function answerIssuance(operation: Operation, request: EndpointRequest, context: Context): Promise<Answer> {
  const { endpoint, failures } = context;
  const { remoteAddress } = request;
  const { clock } = endpoint.ca.options;
  const event = { event: 'certificate', operation, remote_address: remoteAddress } as const;
  const caller = remoteAddress ?? '';
  try {
    const body = await request.readBody();
    const seconds = failures.retryAfterSeconds(caller, clock.now());
    if (seconds !== undefined) {
      throw new EnrolmentRefused('rate_limited', 'too many refused requests', { retryAfterSeconds: seconds });
    }
    const chain = await issue(operation, request, body, endpoint.ca);
    const { spiffeId, serialNumber, notAfter } = chain.issued;
    endpoint.log({
      ...event,
      decision: 'issued',
      spiffe_id: spiffeId,
      serial_number: serialNumber,
      not_after: new Date(notAfter).toISOString(),
    });
    return { status: 200, headers: {}, body: issuedBody(chain) };
  } catch (error) {
    if (error instanceof OAuthError) return errorAnswer(error);
    const refusal = error instanceof EnrolmentRefused ? error : failed(error);
    if (refusal.code !== 'rate_limited') failures.recordFailure(caller, clock.now());
    endpoint.log({ ...event, decision: 'refused', error: refusal.code, reason: refusal.detail });
    return refusal.answer();
  }
}

function issue(operation: Operation, request: EndpointRequest, body: Buffer, ca: CertificateAuthority) {
  if (operation === 'enrol') {
    const { joinToken, ...asked } = readEnrolment(request.contentType, body);
    return ca.enrol(joinToken, asked);
  }
  const asked = readRenewal(request.contentType, body);
  if (request.peer === undefined) {
    throw new EnrolmentRefused('certificate_required', 'a renewal shows the certificate that it renews');
  }
  return ca.renew(request.peer.raw, asked);
}

function failed(error: unknown): EnrolmentRefused {
  const detail = `unexpected: ${error instanceof Error ? error.message : String(error)}`;
  return new EnrolmentRefused('issuance_failed', 'no certificate was issued', { detail, cause: error });
}

function issuedBody({ chain, bundle, issued }: IssuedChain) {
  return {
    certificate_chain: chain,
    trust_bundle: bundlePem(bundle),
    bundle_sequence: bundle.sequence,
    bundle_refresh_hint_seconds: bundle.refreshHintSeconds,
    serial_number: issued.serialNumber,
    not_before: new Date(issued.notBefore).toISOString(),
    not_after: new Date(issued.notAfter).toISOString(),
    renew_after: new Date(renewableAt(issued)).toISOString(),
  };
}

/**
 * The entity tag is the sequence number, so a conditional request says which bundle its sender has: with a certificate of ours on
 * the connection, that is noted, and root rotation waits for it.
 */
async function answerBundle(request: InboundRequest, { ca, jwtKeys }: EnrolmentEndpoint): Promise<Answer> {
  const peer = shownCertificate(request.socket);
  const bundle = await ca.bundle();
  const [, held] = /^"(\d{1,15})"$/.exec(request.fields.single('if-none-match') ?? '') ?? [];
  if (held !== undefined && peer !== undefined) {
    await ca.sighted(peer.raw, Math.min(Number(held), bundle.sequence)).catch(unlessRefused);
  }
  const headers = { etag: `"${bundle.sequence}"`, 'cache-control': 'no-cache' };
  if (held !== undefined && Number(held) === bundle.sequence) return { status: 304, headers, body: Buffer.alloc(0) };
  return { status: 200, headers, body: spiffeBundle(bundle, jwtKeys()) };
}

/** The bundle is public: who may not be noted may still read it. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof EnrolmentRefused)) throw error;
}

/** Each as it was published, which is JSON. */
function bundleMap(bundles: ReadonlyMap<string, Buffer>): Buffer {
  const members = Array.from(bundles, ([name, document]) => `${JSON.stringify(name)}:${document.toString()}`);
  return Buffer.from(`{"trust_domains":{${members.join()}}}`);
}

async function answerLists({ lists }: EnrolmentEndpoint): Promise<Answer> {
  const current = await lists.current();
  return pem([...current.values()].map(revocationListPem).join(''));
}

async function answerList(id: string, { lists }: EnrolmentEndpoint): Promise<Answer> {
  const der = (await lists.current()).get(id);
  if (der !== undefined) return bytes('application/pkix-crl', der);
  return { status: 404, headers: {}, body: { error: 'not_found', error_description: 'there is no such authority' } };
}

const pem = (text: string): Answer => bytes('application/x-pem-file', Buffer.from(text));

function bytes(contentType: string, body: Buffer): Answer {
  return { status: 200, headers: { 'content-type': contentType, 'cache-control': 'no-cache' }, body };
}

/** Reading fails only with the store. */
async function guarded(answer: () => Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch {
    return {
      status: 503,
      headers: {},
      body: { error: 'temporarily_unavailable', error_description: 'the authority cannot read its store' },
    };
  }
}
