/** An answer as JSON: a success's body, or a typed error. Bounded, and strict about what JSON is. */
import { JsonError, type JsonValue, parseStrictJson } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import { failureOf, ServiceResponseError } from './call-failure.ts';

const MAX_BYTES = 4 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;

/** Rejects with ServiceResponseError on any status but 2xx, with Problem `bad_upstream_response` on a body that is no JSON. */
export async function readJson(answer: Response, call: string): Promise<JsonValue> {
  if (!answer.ok) {
    const body = await readBody(answer, MAX_ERROR_BYTES).then(parsed, () => undefined);
    throw new ServiceResponseError(call, answer, body);
  }
  let bytes: Buffer;
  try {
    bytes = await readBody(answer, MAX_BYTES);
  } catch (error) {
    throw failureOf(error, call);
  }
  if (bytes.length === 0) return null;
  const value = parsed(bytes);
  if (value === undefined) throw new Problem('bad_upstream_response', `${call} answered with a body that is no JSON`);
  return value;
}

async function readBody({ body }: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the stream, and with it the connection.
    if (size > maxBytes) throw new Problem('bad_upstream_response', `an answer of more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parsed(bytes: Buffer): JsonValue | undefined {
  try {
    return parseStrictJson(bytes);
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}
