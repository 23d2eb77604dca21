/** The diagrams of the documentation, held against a whole run of the system that they draw. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { loadConfigFile } from '../../packages/sidegate/src/cli/config-file.ts';
import { loadSidecarConfig } from '../../packages/sidegate/src/config/load.ts';
import type { AuditLine } from '../../packages/sidegate/src/lab/audit-feed.ts';
import { auditTrail, LAB, type LabRun, runLab } from '../support/lab-run.ts';
import { diagrams, type FlowChart, readFlowChart, readSequence } from '../support/mermaid.ts';

const ARCHITECTURE = path.resolve(LAB, '../../docs/architecture.md');
const EXAMPLE = path.join(LAB, 'README.md');
const SERVICES = ['api-gateway', 'order-service', 'payment-service', 'data-service'];
const SECRETS = { ORDER_SERVICE_CLIENT_SECRET: 'x', PAYMENT_SERVICE_CLIENT_SECRET: 'x' };

const run = runLab();
after(async () => {
  await using _ = await run;
});

const [architecture = ''] = diagrams(ARCHITECTURE, 'flowchart');
const [sequence = ''] = diagrams(ARCHITECTURE, 'sequenceDiagram');
const [example = ''] = diagrams(EXAMPLE, 'flowchart');

const incoming = (result: LabRun, service: string): AuditLine[] =>
  auditTrail(result, service).filter(({ decision, direction }) => decision === 'allow' && direction === 'ingress');

/** Who was let in where, with what: from the records of those who were called. */
function hops(result: LabRun): string[] {
  const seen = SERVICES.flatMap((service) =>
    incoming(result, service).map(({ peer, token }) => {
      const caller = peer?.spiffe_id?.split('/').at(-1) ?? 'user';
      const transport = peer === undefined ? 'TLS' : 'mutual TLS';
      const whose = token?.issuer?.endsWith('/users') === true ? 'user token' : 'own token';
      return `${caller} → ${service}: ${transport}, ${whose}`;
    }),
  );
  return [...new Set(seen)].sort();
}

/** Zone → the sidecars whose certificates say so. */
function zonesOf({ state }: LabRun): Record<string, string[]> {
  const zones: Record<string, string[]> = {};
  for (const service of SERVICES) {
    const file = path.join(state, 'etc/certs', service.replace('api-', ''), 'server.crt');
    const { subjectAltName = '' } = new X509Certificate(readFileSync(file));
    const [, zone = ''] = /spiffe:\/\/[^/]+\/(\w+)\//.exec(subjectAltName) ?? [];
    (zones[zone] ??= []).push(service);
  }
  return zones;
}

function listeners(result: LabRun, service: string): { readonly configured: string; readonly open: number } {
  const loaded = loadConfigFile(loadSidecarConfig, path.join(result.state, `etc/authz/${service}.yaml`), {
    env: SECRETS,
  });
  assert.ok(loaded.ok);
  const { http, egress } = loaded.config;
  const outward = egress.enabled ? `, egress ${egress.addr.host}:${egress.addr.port}` : '';
  const process = result.events.find((event) => event.event === 'process' && event.name === service);
  return {
    configured: `${service}, ingress ${http.addr.host ?? ''}:${http.addr.port}${outward}`,
    open: process?.event === 'process' ? process.addresses.length : 0,
  };
}

const CHARTS: readonly (readonly [file: string, chart: FlowChart])[] = [
  ['docs/architecture.md', readFlowChart(architecture)],
  ['examples/three-zones/README.md', readFlowChart(example)],
];
for (const [file, { zones, arrows }] of CHARTS) {
  test(`S3-119 ${file} draws the hops that are made, with the credentials they are made with, and no others`, async () => {
    assert.deepEqual(arrows, hops(await run));
  });

  test(`S3-119 ${file} draws each sidecar in the zone that its certificate names`, async () => {
    assert.deepEqual(zones, zonesOf(await run));
  });
}

for (const service of SERVICES) {
  test(`S3-119 docs/architecture.md draws the listeners of ${service}`, async () => {
    const label = readFlowChart(architecture).labels[service] ?? '';
    const { configured, open } = listeners(await run, service);
    assert.equal(label, configured);
    assert.equal(label.split(', ').length - 1, open);
  });
}

test('S3-119 docs/architecture.md draws the way of an order, request for request', async () => {
  const result = await run;
  const [first] = auditTrail(result, 'api-gateway');
  const made = SERVICES.flatMap((service) => auditTrail(result, service))
    .filter(({ correlation_id }) => correlation_id === first?.correlation_id)
    .map(({ service, direction, method, path: asked }) => `${direction} ${service}: ${method} ${asked}`);
  const drawn = readSequence(sequence).flatMap(({ from, to, text }) => {
    const [, request] = /^((?:GET|POST) [^ ,]+)/.exec(text) ?? [];
    const [service = '', sidecar] = to.split(' ');
    if (request === undefined || sidecar !== 'sidecar') return [];
    return [`${from.endsWith(' app') ? 'egress' : 'ingress'} ${service}: ${request}`];
  });
  assert.equal(drawn.length, 6);
  assert.deepEqual(drawn.toSorted(), made.toSorted());
});
