/** What a collector gets from us, held against OpenTelemetry's own schema: a member that it does not have is an error there. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { startIngress } from '../support/ingress.ts';
import { startOtlpCollector } from '../support/otlp-collector.ts';
import { runProgram } from './foreign-program.ts';
import { peersPython, withoutPython } from './python-packages.ts';

const SCHEMA = path.join(import.meta.dirname, 'python/otlp_schema.py');
const CHAPTERS = `observability: { tracing: { enabled: true, endpoint: "\${COLLECTOR}" } }
audit: { events: [request, access], export: { otlp: { enabled: true, endpoint: "\${COLLECTOR}" } } }`;

interface Held {
  readonly error?: string;
  readonly read?: unknown;
}

async function hold(bodies: readonly { readonly path: string; readonly body: unknown }[]): Promise<readonly Held[]> {
  const lines = bodies.map((body) => `${JSON.stringify(body)}\n`);
  const { code, stdout, stderr } = await runProgram(peersPython() ?? 'python3', [SCHEMA], lines);
  assert.equal(code, 0, stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Held);
}

describe("OpenTelemetry's schema", { skip: withoutPython() }, () => {
  test('has nothing that we do not write as it wants it, and refuses what it does not know', async () => {
    const [unknown, wrong] = await hold([
      { path: '/v1/traces', body: { resourceSpans: [{ scopeSpan: [] }] } },
      { path: '/v1/logs', body: { resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: 'now' }] }] }] } },
    ]);
    assert.match(unknown?.error ?? '', /scopeSpan/);
    assert.match(wrong?.error ?? '', /timeUnixNano/);
    await using collector = await startOtlpCollector();
    const ingress = await startIngress({ chapters: CHAPTERS, env: { COLLECTOR: collector.endpoint } });
    await ingress.send({ headers: ['traceparent', `00-${'4b'.repeat(16)}-${'a1'.repeat(8)}-01`] });
    await ingress.send({ target: '/"é%zz', headers: ['Authorization', 'Bearer none'] });
    await ingress[Symbol.asyncDispose]();
    const paths = new Set(collector.batches.map((batch) => batch.path));
    assert.deepEqual([paths.has('/v1/logs'), paths.has('/v1/traces')], [true, true]);
    const held = await hold(collector.batches);
    assert.deepEqual(
      held.map(({ error }) => error),
      held.map(() => undefined),
    );
  });
});
