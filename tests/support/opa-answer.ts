/** A server that speaks OPA's REST API as a test wants it: any answer, late, broken, or decided by real Rego. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { compile, parseJson, toJson, type Value } from '@sidegate/rego';

interface OpaQuestion {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly body: string;
}

export interface FakeOpa extends AsyncDisposable {
  readonly url: string;
  /** Oldest first. */
  readonly asked: readonly OpaQuestion[];
  answer: (question: OpaQuestion, response: ServerResponse) => void;
}

export async function startFakeOpa(answer: FakeOpa['answer']): Promise<FakeOpa> {
  const asked: OpaQuestion[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const question = { method: request.method, url: request.url, body: Buffer.concat(chunks).toString() };
      asked.push(question);
      opa.answer(question, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const opa: FakeOpa = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return opa;
}

/** Decides as OPA does with this policy: an undefined rule leaves `result` out. */
export function decidedBy(rego: string): FakeOpa['answer'] {
  const compiled = compile([{ file: 'policy.rego', text: rego }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics));
  const { policy } = compiled;
  return ({ url = '', body }, response) => {
    const query = url.replace('/v1/data/', 'data.').replaceAll('/', '.');
    const { input } = parseJson(body) as Readonly<Record<string, Value>>;
    const result = policy.prepare(query)(input);
    response.end(result === undefined ? '{}' : `{"result":${toJson(result)}}`);
  };
}
