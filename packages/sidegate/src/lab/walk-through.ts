/**
 * The order of the seed's thirteen steps, and what each of them promises: a user signs in, orders, looks at the
 * order, and another one pays for it. Every promise is a check against what the sidecars and the identity provider recorded.
 */
import type { AuditLine } from './audit-feed.ts';
import type { JsonBody } from './caller.ts';
import { hop } from './hop.ts';
import { callService, type RunningLab, requestToken, signIn, type TokenLogLine, tokenIn } from './running-lab.ts';
import { bodyOf, type Passage, rolesOf, type SignedInUser, type Walk } from './walk.ts';
import { WALK_CHECKS } from './walk-checks.ts';

const HOPS_OF_ORDER = 6;
const HOPS_OF_READING = 4;
const HOPS_OF_PAYMENT = 6;
const TRAIL_TIMEOUT_MS = 3_000;

export async function walkThrough(running: RunningLab): Promise<Walk> {
  const users = await Promise.all(running.lab.users.map((user) => signedIn(running, user)));
  const buyer = holderOf(users, 'orders:create');
  const payer = holderOf(users, 'payments:create');

  const pass = passages(running);
  const order = await pass(`${buyer.username} orders`, HOPS_OF_ORDER, {
    method: 'POST',
    path: '/api/v1/orders',
    token: buyer.token,
    body: { product_id: 'PROD-123', quantity: 2 },
  });
  const afterOrder = issuedTo(running, 'order-service').length;
  const orderId = String(bodyOf(order.answer)['id']);
  const reading = await pass(`${buyer.username} looks at the order`, HOPS_OF_READING, {
    method: 'GET',
    path: `/api/v1/orders/${orderId}`,
    token: buyer.token,
  });
  const payment = await pass(`${payer.username} pays`, HOPS_OF_PAYMENT, {
    method: 'POST',
    path: '/api/v1/payments',
    token: payer.token,
    body: { order_id: orderId, amount: 49.9 },
  });

  const passwordGrantOfServices = await requestToken(running, 'services', {
    grant_type: 'password',
    client_id: 'web-app',
    username: buyer.username,
    password: '-',
  });

  const issued = issuedTo(running, 'order-service');
  const [last] = issued;
  const orderServiceTokens = { afterOrder, atEnd: issued.length, ...(last === undefined ? {} : { last }) };
  const walk: Walk = {
    users,
    buyer,
    payer,
    order,
    orderId,
    reading,
    payment,
    orderServiceTokens,
    passwordGrantOfServices,
  };
  for (const { id, step, what, expected, observe } of WALK_CHECKS) {
    const observed = observe(walk, running.lab);
    const wanted = typeof expected === 'string' ? expected : expected(walk, running.lab);
    const ok = observed === wanted;
    running.emit({ event: 'check', id, ...(step === undefined ? {} : { step }), what, expected: wanted, observed, ok });
  }
  return walk;
}

type Pass = (
  title: string,
  hops: number,
  request: Parameters<typeof callService>[2] & { readonly token: string },
) => Promise<Passage>;

function passages(running: RunningLab): Pass {
  return async (title, hops, request) => {
    const correlationId = `walk-${running.randomHex(8)}`;
    const mark = running.feed.mark();
    const headers = { ...request.headers, 'x-correlation-id': correlationId };
    const answer = await callService(running, 'api-gateway', { ...request, headers });
    const answeredAtMs = running.clock.monotonic();
    const ofThis = (line: AuditLine): boolean => line.correlation_id === correlationId;
    // What was refused may have stopped at the first hop.
    const count = answer.kind === 'answer' && answer.status < 400 ? hops : 1;
    const lines = await running.feed.collect(ofThis, { mark, count, timeoutMs: TRAIL_TIMEOUT_MS });
    for (const line of lines) running.emit(hop(title, line));
    return { answer, answeredAtMs, correlationId, lines };
  };
}

async function signedIn(running: RunningLab, user: RunningLab['lab']['users'][number]): Promise<SignedInUser> {
  const answer = await signIn(running, user);
  const token = tokenIn(answer);
  const [header, claims] = token.split('.').map(decoded);
  return { username: user.username, answer, token, claims: claims ?? {}, header: header ?? {} };
}

function decoded(segment: string, index: number): JsonBody {
  if (index > 1) return {};
  return JSON.parse(Buffer.from(segment, 'base64url').toString('utf8')) as JsonBody;
}

function holderOf(users: readonly SignedInUser[], role: string): SignedInUser {
  const holder = users.find(({ claims }) => rolesOf(claims).includes(role));
  if (holder === undefined) throw new Error(`no user of lab.yaml holds the role ${role}`);
  return holder;
}

function issuedTo({ tokenLog }: RunningLab, client: string): readonly TokenLogLine[] {
  return tokenLog.filter((line) => line.client === client && line.decision === 'issued');
}
