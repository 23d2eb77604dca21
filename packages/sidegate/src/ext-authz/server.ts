/** Envoy's external authorization over gRPC: `envoy.service.auth.v3.Authorization/Check`. */
import type { AddressInfo } from 'node:net';
import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import type { JudgeQuestionOptions } from '../admin/judge-question.ts';
import { answerCheck } from './check.ts';

export interface ExtAuthzServer {
  readonly address: AddressInfo;
  /** Answers what is under way, and cuts the rest after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Headers of 64 KiB, a certificate, and what Envoy adds. */
const MAX_QUESTION_BYTES = 256 * 1024;
const MAX_CONCURRENT = 1_000;

/** Messages are read and written by hand, so here they are bytes. */
export const AUTHORIZATION: ServiceDefinition = {
  check: {
    path: '/envoy.service.auth.v3.Authorization/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: (value: Uint8Array) => Buffer.from(value),
    requestDeserialize: (value: Buffer) => value,
    responseSerialize: (value: Uint8Array) => Buffer.from(value),
    responseDeserialize: (value: Buffer) => value,
  },
};

interface Call {
  readonly request: Buffer;
}

/** @throws Error when the address cannot be listened on, as a rejection */
export async function serveExtAuthz(
  { host, port: wanted }: { readonly host: string; readonly port: number },
  options: JudgeQuestionOptions,
): Promise<ExtAuthzServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_QUESTION_BYTES,
    'grpc.max_concurrent_streams': MAX_CONCURRENT,
  });
  server.addService(AUTHORIZATION, {
    check: ({ request }: Call, answer: (error: null, response: Uint8Array) => void) => {
      void answerCheck(request, options).then((response) => answer(null, response));
    },
  });
  const family = host.includes(':') ? 'IPv6' : 'IPv4';
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      family === 'IPv6' ? `[${host}]:${wanted}` : `${host}:${wanted}`,
      ServerCredentials.createInsecure(),
      (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      },
    );
  });
  return {
    address: { address: host, family, port },
    close: (graceMs) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.forceShutdown(), graceMs);
        server.tryShutdown(() => {
          clearTimeout(cut);
          resolve();
        });
      }),
  };
}
