/** The Workload API asked as this process, whoever the attestor says it is, with any bytes. */
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type WorkloadApi, type WorkloadApiMethod, workloadApi, workloadApiPath } from '@sidegate/sdk/workload-api';
import type { AttestedPeer } from '../../packages/sidegate/src/authority/workload-api/unix-attestor.ts';
import { CLOCK, SCHEDULE } from './workload-authority.ts';

const uid = process.getuid?.() ?? 0;
export const SELF: AttestedPeer = { pid: process.pid, selectors: new Set([`unix:uid:${uid}`]), isAlive: () => true };
export const attestSelf = async (): Promise<AttestedPeer> => SELF;

export function clientOf(socket: string): WorkloadApi & Disposable {
  const client = workloadApi({ socket, clock: CLOCK, schedule: SCHEDULE, random: Math.random });
  return { ...client, [Symbol.dispose]: () => client.close() };
}

interface Answer {
  readonly code: status;
  readonly details: string;
}

/** One call with any bytes and any headers; of a stream, its first message counts. */
export async function askWorkloadApi(
  socket: string,
  method: WorkloadApiMethod,
  bytes: Uint8Array = Buffer.alloc(0),
  headers: Readonly<Record<string, string>> = { 'workload.spiffe.io': 'true' },
): Promise<Answer> {
  const client = new Client(socket, credentials.createInsecure());
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  try {
    return await new Promise((resolve) => {
      const asIs = (value: Uint8Array): Buffer => Buffer.from(value);
      const call = client.makeServerStreamRequest(workloadApiPath(method), asIs, (raw: Buffer) => raw, bytes, metadata);
      call.on('error', ({ code, details }: ServiceError) => resolve({ code, details }));
      call.on('data', () => {
        resolve({ code: status.OK, details: '' });
        call.cancel();
      });
    });
  } finally {
    client.close();
  }
}
