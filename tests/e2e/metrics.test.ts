/** `/metrics`: what is counted of real exchanges, in both formats, and what is never a label. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startHandlerApp } from '../support/handler-app.ts';
import { type Ingress, ONE_TARGET, startIngress } from '../support/ingress.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { sendRequest } from '../support/wire.ts';

const ADMIN = 'admin: { addr: "127.0.0.1:0" }';
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0';

async function scrape({ sidecar }: Ingress, headers: readonly string[] = []) {
  const answer = await sendRequest({ port: sidecar.adminPort }, { target: '/metrics', headers });
  const values = new Map(
    answer.body
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, number] => {
        const blank = line.lastIndexOf(' ');
        return [line.slice(0, blank), Number(line.slice(blank + 1))];
      }),
  );
  return { ...answer, of: (series: string) => values.get(series), series: [...values.keys()] };
}

describe('what is switched off', () => {
  test('observability.metrics.enabled false: there is no such path', async () => {
    await using ingress = await startIngress({ chapters: `${ADMIN}\nobservability: { metrics: { enabled: false } }` });
    assert.equal((await scrape(ingress)).status, 404);
  });

  test('observability.metrics.process false leaves the process out, true has it', async () => {
    for (const [enabled, expected] of [
      [false, undefined],
      [true, 'number'],
    ] as const) {
      const chapters = `${ADMIN}\nobservability: { metrics: { process: ${enabled} } }`;
      await using ingress = await startIngress({ chapters });
      const metrics = await scrape(ingress);
      for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_start_time_seconds']) {
        assert.equal(metrics.of(name) === undefined ? undefined : 'number', expected, name);
      }
    }
  });
});

describe('exchanges', () => {
  test('are counted by direction, decision and problem code, and measured', async () => {
    await using ingress = await startIngress({
      chapters: ADMIN,
      proxy: '  authz: { enabled: false }\n  routes: [{ path: /a }]',
    });
    await ingress.send({ target: '/b' });
    await ingress.send({ target: '/a', headers: ['Authorization', 'Bearer none'] });
    await ingress.send({ target: '/a' });
    await ingress.send({ target: '/a' });
    const metrics = await scrape(ingress);
    const requests = (decision: string, code: string) =>
      metrics.of(`authz_requests_total{direction="ingress",decision="${decision}",code="${code}"}`);
    assert.equal(requests('deny', 'route_not_found'), 1);
    assert.equal(requests('deny', 'token_malformed'), 1);
    assert.equal(requests('allow', 'ok'), 2);
    assert.equal(metrics.of('authz_request_duration_seconds_count{direction="ingress"}'), 4);
    assert.ok((metrics.of('authz_request_duration_seconds_sum{direction="ingress"}') ?? 0) > 0);
    assert.equal(metrics.of('authz_jwt_validation_duration_seconds_count{result="invalid"}'), 1);
    assert.equal(metrics.of('authz_jwt_validation_duration_seconds_count{result="valid"}'), 2);
    assert.equal(metrics.of('authz_jwks_keys{issuer="default"}'), 1);
    assert.equal(metrics.of('authz_jwks_refresh_total{issuer="default",result="success"}'), 1);
    assert.ok((metrics.of('authz_jwks_last_success_timestamp_seconds{issuer="default"}') ?? 0) > 1.7e9);
    assert.equal(metrics.of('authz_audit_records_dropped_total{sink="stdout"}'), 0);
    assert.equal(metrics.of('authz_audit_available'), 1);
    assert.equal(typeof metrics.of('authz_connections{listener="ingress"}'), 'number');
  });

  test('a service that fails is an exchange that was allowed, with its problem', async () => {
    await using app = await startHandlerApp((_request, response) => void response.socket?.destroy());
    await using ingress = await startIngress({ chapters: ADMIN, upstreamPort: app.port });
    await ingress.send();
    const series = 'authz_requests_total{direction="ingress",decision="allow",code="upstream_unreachable"}';
    assert.equal((await scrape(ingress)).of(series), 1);
  });

  test('the policy is measured by its decision', async () => {
    await using ingress = await startIngress({
      chapters: `${ADMIN}\npolicy: { path: /policies }`,
      files: { '/policies/a.rego': 'package authz\nallow if input.request.path == "/yes"' },
      proxy: '  authz: { policy_query: data.authz.allow }',
    });
    for (const target of ['/no', '/no', '/yes']) await ingress.send({ target });
    const metrics = await scrape(ingress);
    assert.equal(metrics.of('authz_policy_evaluation_duration_seconds_count{decision="deny"}'), 2);
    assert.equal(metrics.of('authz_policy_evaluation_duration_seconds_count{decision="allow"}'), 1);
  });

  test('S3-043 calls of the local service are counted by target, status and problem, with the tokens fetched for them', async () => {
    let status = 200;
    await using target = await startHandlerApp((_request, response) => response.writeHead(status).end());
    await using idp = await startTokenEndpoint(() => ({
      body: { access_token: 'a-token', token_type: 'Bearer', expires_in: 300 },
    }));
    await using ingress = await startIngress({
      chapters: `${ADMIN}\n${ONE_TARGET}`,
      env: { TARGET: `http://127.0.0.1:${target.port}`, TOKEN_URL: idp.url, SECRET: 's3cret-canary' },
    });
    const call = (path: string) => sendRequest({ port: ingress.sidecar.egressPort }, { target: path });
    await call('/nowhere');
    await call('/data/1');
    status = 404;
    await call('/data/2');
    const metrics = await scrape(ingress);
    const calls = (target: string, status: string, code: string) =>
      metrics.of(`egress_requests_total{target="${target}",status="${status}",code="${code}"}`);
    assert.equal(calls('none', '4xx', 'route_not_found'), 1);
    assert.equal(calls('data', '2xx', 'ok'), 1);
    assert.equal(calls('data', '4xx', 'ok'), 1);
    assert.equal(metrics.of('egress_request_duration_seconds_count{target="data"}'), 2);
    assert.equal(metrics.of('egress_credential_refresh_total{target="data",result="success"}'), 1);
    assert.equal(metrics.of('authz_requests_total{direction="egress",decision="allow",code="ok"}'), 2);
    assert.ok(!metrics.body.includes('s3cret-canary'));
  });
});

describe('the text', () => {
  test('is Prometheus 0.0.4 unless the reader prefers OpenMetrics', async () => {
    await using ingress = await startIngress({ chapters: ADMIN });
    const plain = await scrape(ingress);
    assert.equal(plain.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.ok(!plain.body.includes('# EOF'));
    const open = await scrape(ingress, ['Accept', OPENMETRICS]);
    assert.equal(open.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    assert.ok(open.body.endsWith('\n# EOF\n'));
    assert.match(open.body, /^# TYPE authz_requests counter$/m);
  });

  test('names every metric once, with help and type before its samples', async () => {
    await using ingress = await startIngress({ chapters: ADMIN });
    await ingress.send();
    const { body } = await scrape(ingress);
    const names = [...body.matchAll(/^# TYPE (\S+) (?:counter|gauge|histogram)$/gm)].map(([, name = '']) => name);
    assert.equal(new Set(names).size, names.length);
    let current = '';
    for (const line of body.trimEnd().split('\n')) {
      const described = /^# HELP (\S+) \S/.exec(line)?.[1];
      if (described !== undefined) current = described;
      else if (line.startsWith('#')) assert.ok(line.startsWith(`# TYPE ${current} `), line);
      else assert.match(line, new RegExp(`^${current}(?:_bucket|_sum|_count)?(?:\\{[^}]*\\})? [0-9.eE+-]+$`));
    }
  });

  test('C-226 has no path, user, query or other word of a client in it, however many come', async () => {
    await using ingress = await startIngress({ chapters: ADMIN });
    await ingress.send();
    const { series } = await scrape(ingress);
    for (let i = 0; i < 20; i += 1) {
      const headers = ['Authorization', `Bearer ${ingress.token({ sub: `canary-${i}`, azp: `canary-${i}` })}`];
      await ingress.send({
        target: `/canary-${i}?canary=${i}`,
        headers: [...headers, 'X-Correlation-ID', `canary-${i}`],
      });
    }
    const later = await scrape(ingress);
    assert.deepEqual(later.series, series);
    assert.ok(!later.body.includes('canary'));
  });
});
