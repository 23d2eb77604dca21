/** The paths of the admin listener that answer about the process itself. */
import { METRICS_CONTENT_TYPE, metricsText, preferredFormat } from '../telemetry/metrics-text.ts';
import { json } from './answer.ts';
import { detailsOf, type HealthSources } from './health.ts';
import type { Endpoint } from './serve.ts';
import { jointMetrics, jointReadiness, type TakeSnapshots } from './snapshot.ts';

const READING = { methods: ['GET', 'HEAD'], maxBodyBytes: 0 } as const;

type Endpoints = readonly (readonly [path: string, Endpoint])[];

/** What an orchestrator asks. */
export function probeEndpoints(takeSnapshots: TakeSnapshots): Endpoints {
  return [
    ['/live', { ...READING, answer: () => json({ status: 'live' }) }],
    [
      '/ready',
      {
        ...READING,
        answer: async () => {
          const readiness = jointReadiness(await takeSnapshots());
          return json(readiness, readiness.status === 'ready' ? 200 : 503);
        },
      },
    ],
  ];
}

export function healthEndpoints(sources: HealthSources, takeSnapshots: TakeSnapshots): Endpoints {
  return [
    ...probeEndpoints(takeSnapshots),
    [
      '/health',
      {
        ...READING,
        answer: async () => json({ ...jointReadiness(await takeSnapshots()), ...detailsOf(sources) }),
      },
    ],
  ];
}

export function metricsEndpoint(takeSnapshots: TakeSnapshots): readonly [path: string, Endpoint] {
  return [
    '/metrics',
    {
      ...READING,
      answer: async ({ fields }) => {
        const format = preferredFormat(fields.all('accept'));
        const body = metricsText(jointMetrics(await takeSnapshots()), format);
        return { status: 200, contentType: METRICS_CONTENT_TYPE[format], body };
      },
    },
  ];
}
