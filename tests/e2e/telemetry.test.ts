/** Spans and copies of audit records that a collector of OpenTelemetry gets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type SeenRequest, startHttpApp } from '../support/http-app.ts';
import { ONE_TARGET, startIngress } from '../support/ingress.ts';
import { attribute, type OtlpCollector, startOtlpCollector } from '../support/otlp-collector.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

const TRACING = (more = ''): string =>
  `observability: { tracing: { enabled: true, endpoint: "\${COLLECTOR}"${more} } }`;

/** Everything that was waiting is sent when the sidecar stops. */
async function startTraced(collector: OtlpCollector, chapters: string, proxy?: string) {
  const env = { COLLECTOR: collector.endpoint, SECRET: 's3cret-of-the-collector' };
  return startIngress({ chapters, env, ...(proxy === undefined ? {} : { proxy }) });
}

describe('observability.tracing', () => {
  for (const [more, message] of [
    [', sample_ratio: 2', /sample_ratio: must be at most 1/],
    [', endpoint: "http://collector.example:4318"', /endpoint/],
    [', auth_token: literal', /auth_token: is a secret written in the file/],
  ] as const) {
    test(`refuses the start with { ${more.slice(2)} }`, async () => {
      await using collector = await startOtlpCollector();
      const chapters = more.includes('endpoint')
        ? `observability: { tracing: { enabled: true${more} } }`
        : TRACING(more);
      await assert.rejects(startTraced(collector, chapters), message);
    });
  }

  test('exports nothing while it is off, and asks nobody else to', async () => {
    await using collector = await startOtlpCollector();
    const ingress = await startTraced(collector, '');
    await ingress.send({});
    await ingress[Symbol.asyncDispose]();
    assert.equal(collector.headers.length, 0);
    assert.match(traceparentOf(ingress.app.seen[0]), /-00$/);
  });

  test('makes a span of each exchange, the caller its parent and the service its child, without a secret', async () => {
    await using collector = await startOtlpCollector();
    const ingress = await startTraced(collector, TRACING(', auth_token: "${SECRET}"'), PROXY);
    const token = ingress.token();
    const headers = ['traceparent', `00-${TRACE}-${PARENT}-01`, 'Authorization', `Bearer ${token}`];
    await ingress.send({ target: '/orders/7?card=4111', headers });
    await ingress[Symbol.asyncDispose]();
    const [span] = collector.spans;
    assert.equal(collector.spans.length, 1);
    assert.deepEqual([span?.traceId, span?.parentSpanId], [TRACE, PARENT]);
    assert.deepEqual([span?.name, span?.kind, span?.status], ['GET /orders/*', 2, {}]);
    assert.ok(BigInt(span?.endTimeUnixNano ?? 0) > BigInt(span?.startTimeUnixNano ?? 0));
    assert.equal(traceparentOf(ingress.app.seen[0]), `00-${TRACE}-${span?.spanId}-01`);
    assert.deepEqual(
      ['http.response.status_code', 'url.path', 'sidegate.decision', 'error.type'].map((key) =>
        attribute(span ?? { attributes: [] }, key),
      ),
      ['200', '/orders/7', 'allow', undefined],
    );
    assert.deepEqual(
      [collector.services, collector.headers[0]?.authorization],
      [['order-service'], 'Bearer s3cret-of-the-collector'],
    );
    const written = JSON.stringify(collector.spans);
    for (const secret of [token, '4111', 's3cret']) assert.ok(!written.includes(secret), secret);
  });

  test('tells why an exchange was refused; that is no error of ours, but what failed behind us is', async () => {
    await using collector = await startOtlpCollector();
    const ingress = await startTraced(collector, TRACING(), PROXY);
    await ingress.send({ target: '/nowhere' });
    await ingress.app[Symbol.asyncDispose]();
    await ingress.send({ target: '/orders/7' });
    await ingress[Symbol.asyncDispose]();
    const told = collector.spans.map((span) => [span.name, attribute(span, 'error.type'), span.status.code]);
    assert.deepEqual(told, [
      ['GET none', 'route_not_found', undefined],
      ['GET /orders/*', 'upstream_unreachable', 2],
    ]);
  });

  test('names calls of the local service as a client', async () => {
    await using collector = await startOtlpCollector();
    await using tokens = await startTokenEndpoint(() => ({
      body: { access_token: 't', expires_in: 60, token_type: 'Bearer' },
    }));
    await using app = await startHttpApp();
    const ingress = await startIngress({
      chapters: `${ONE_TARGET}\n${TRACING()}`,
      env: {
        COLLECTOR: collector.endpoint,
        SECRET: 's',
        TOKEN_URL: tokens.url,
        TARGET: `http://127.0.0.1:${app.port}`,
      },
    });
    await sendRequest({ port: ingress.sidecar.egressPort }, { target: '/data/7', headers: ['Host', 'localhost'] });
    await ingress[Symbol.asyncDispose]();
    const [span] = collector.spans;
    assert.deepEqual([span?.name, span?.kind, span?.status.code], ['GET /data', 3, undefined]);
    assert.equal(attribute(span ?? { attributes: [] }, 'sidegate.upstream'), 'data');
  });

  for (const [ratio, expected] of [
    [0, 0],
    [1, 3],
  ] as const) {
    test(`sample_ratio ${ratio} keeps ${expected} of 3 traces that begin here`, async () => {
      await using collector = await startOtlpCollector();
      const ingress = await startTraced(collector, TRACING(`, sample_ratio: ${ratio}`));
      for (let index = 0; index < 3; index += 1) await ingress.send({});
      await ingress[Symbol.asyncDispose]();
      assert.equal(collector.spans.length, expected);
      for (const seen of ingress.app.seen) assert.ok(traceparentOf(seen).endsWith(`-0${ratio}`));
    });
  }

  test('a caller that keeps its trace is followed, and one that drops it too', async () => {
    await using collector = await startOtlpCollector();
    const ingress = await startTraced(collector, TRACING(', sample_ratio: 0'));
    await ingress.send({ headers: ['traceparent', `00-${TRACE}-${PARENT}-01`] });
    await ingress.send({ headers: ['traceparent', `00-${TRACE}-${PARENT}-00`] });
    await ingress[Symbol.asyncDispose]();
    assert.equal(collector.spans.length, 1);
  });
});

describe('audit.export.otlp', () => {
  const OTLP = (more: string): string => `audit: { ${more}export: { otlp: { enabled: true, endpoint: "\${COLLECTOR}" }`;

  test('alone is refused where records are required', async () => {
    await using collector = await startOtlpCollector();
    const chapters = `${OTLP('')}, stdout: { enabled: false } } }`;
    await assert.rejects(startTraced(collector, chapters), /export.otlp: alone keeps no record that is required/);
  });

  test('alone is enough for best_effort', async () => {
    await using collector = await startOtlpCollector();
    const ingress = await startTraced(collector, `${OTLP('mode: best_effort, ')}, stdout: { enabled: false } } }`);
    await ingress.send({});
    await ingress[Symbol.asyncDispose]();
    assert.equal(collector.logs.length, 1);
  });

  test('copies each record as it was written, with its severity and trace', async () => {
    await using collector = await startOtlpCollector();
    const ingress = await startTraced(collector, `${OTLP('')} } }`, PROXY);
    await ingress.send({ target: '/orders/7', headers: ['traceparent', `00-${TRACE}-${PARENT}-01`] });
    await ingress.send({ target: '/nowhere' });
    await ingress[Symbol.asyncDispose]();
    assert.deepEqual(
      collector.logs.map(({ body }) => body.stringValue),
      ingress.sidecar.lines,
    );
    const [allowed, denied] = collector.logs;
    assert.deepEqual([allowed?.severityText, allowed?.severityNumber, allowed?.traceId], ['INFO', 9, TRACE]);
    assert.equal(allowed?.eventName, 'sidegate.audit.request');
    assert.deepEqual(
      [denied?.severityText, attribute(denied ?? { attributes: [] }, 'error.type')],
      ['WARN', 'route_not_found'],
    );
  });

  test('a collector that refuses everything holds up nobody: losses are counted, and the log says it once', async () => {
    await using collector = await startOtlpCollector();
    collector.status = 400;
    await using ingress = await startTraced(collector, `${OTLP('')} } }\nadmin: { addr: "127.0.0.1:0" }`);
    for (let index = 0; index < 3; index += 1) assert.equal((await ingress.send({})).status, 200);
    await until(() => collector.headers.length > 0);
    assert.match(await metricsOf(ingress.sidecar.adminPort), LOST);
    assert.equal(ingress.sidecar.log().match(/the collector does not take what is exported/g)?.length, 1);
  });
});

const PROXY = '  authz: { enabled: false }\n  routes: [{ path: "/orders/*" }]';
const LOST = /^authz_otlp_items_total\{signal="logs",result="dropped"\} 3$/m;

function traceparentOf(seen: SeenRequest | undefined): string {
  const raw = seen?.rawHeaders ?? [];
  return raw[raw.findIndex((name) => name.toLowerCase() === 'traceparent') + 1] ?? '';
}

async function metricsOf(port: number): Promise<string> {
  return (await sendRequest({ port }, { target: '/metrics' })).body;
}
