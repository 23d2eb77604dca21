/** What every process has, under the names that all Prometheus clients give it. */
import { readdirSync } from 'node:fs';
import type { Metrics, Sample } from '../telemetry/metrics.ts';
import { maxDescriptors } from './descriptors.ts';

export function observeProcess(metrics: Metrics): void {
  const gauge = (name: string, help: string, read: () => number | undefined): void =>
    metrics.observed({ name, help, labels: [] }, 'gauge', () => {
      const value = read();
      return value === undefined ? [] : [{ labels: [], value }];
    });
  const startedAt = Date.now() / 1000 - process.uptime();
  metrics.observed(
    { name: 'process_cpu_seconds_total', help: 'Processor time, of user and system.', labels: [] },
    'counter',
    () => {
      const { user, system } = process.cpuUsage();
      return [{ labels: [], value: (user + system) / 1e6 }];
    },
  );
  gauge('process_start_time_seconds', 'When the process began, in seconds since the epoch.', () => startedAt);
  gauge('process_resident_memory_bytes', 'Memory that is resident.', () => process.memoryUsage.rss());
  gauge('process_open_fds', 'Open file descriptors.', openDescriptors);
  gauge('process_max_fds', 'Most file descriptors that may be open.', maxDescriptors);
  gauge('nodejs_heap_size_used_bytes', 'Memory in use for JavaScript.', () => process.memoryUsage().heapUsed);
  const active = (): Sample[] => [{ labels: [], value: performance.eventLoopUtilization().active / 1000 }];
  const help = 'Time that the event loop was at work; its rate is how busy this process is.';
  metrics.observed({ name: 'nodejs_eventloop_active_seconds_total', help, labels: [] }, 'counter', active);
}

/** Elsewhere the system does not tell. */
function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
