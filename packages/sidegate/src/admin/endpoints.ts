/** The paths of the admin listener that answer about the process itself. */
import type { Metrics } from '../telemetry/metrics.ts';
import { METRICS_CONTENT_TYPE, metricsText, preferredFormat } from '../telemetry/metrics-text.ts';
import { json } from './answer.ts';
import { type HealthSources, healthOf, readinessOf } from './health.ts';
import type { Endpoint } from './serve.ts';

const READING = { methods: ['GET', 'HEAD'], maxBodyBytes: 0 } as const;

export function healthEndpoints(sources: HealthSources): readonly (readonly [path: string, Endpoint])[] {
  return [
    ['/live', { ...READING, answer: () => json({ status: 'live' }) }],
    [
      '/ready',
      {
        ...READING,
        answer: () => {
          const readiness = readinessOf(sources);
          return json(readiness, readiness.status === 'ready' ? 200 : 503);
        },
      },
    ],
    ['/health', { ...READING, answer: () => json(healthOf(sources)) }],
  ];
}

export function metricsEndpoint(metrics: Metrics): readonly [path: string, Endpoint] {
  return [
    '/metrics',
    {
      ...READING,
      answer: ({ fields }) => {
        const format = preferredFormat(fields.all('accept'));
        return { status: 200, contentType: METRICS_CONTENT_TYPE[format], body: metricsText(metrics.read(), format) };
      },
    },
  ];
}
