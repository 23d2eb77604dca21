/** One request as anybody could send it, with a token or none: for looking at who gets in. */
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { text } from 'node:stream/consumers';

export interface Asked {
  readonly method: 'GET' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly ca?: string;
}

export async function ask({ method, url, headers = {}, ca }: Asked): Promise<{ status: number; body: string }> {
  const options = { method, headers, ...(ca === undefined ? {} : { ca }) };
  return await new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? secureRequest(url, options) : plainRequest(url, options);
    request
      .on('response', (answer) => {
        text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject);
      })
      .on('error', reject)
      .end();
  });
}
