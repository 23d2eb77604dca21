/** The guard scenario: what a guard of an Express route costs each request, beside express-jwt on the same requests in the same rounds. */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { createPushedJwks } from '@sidegate/sdk';
import { expressGuards } from '@sidegate/sdk/express';
import { bearer, serviceAuth } from '@sidegate/sdk/server';
import type { Request, RequestHandler, Response } from 'express';
import { expressjwt } from 'express-jwt';
import { createSigningKey, keySetBytes, mint, type SigningKey } from '../tests/support/tokens.ts';
import { markdownTable } from './markdown.ts';
import { type Summary, summarize } from './stats.ts';

export interface GuardReport {
  readonly rows: readonly {
    readonly name: string;
    /** Microseconds of CPU a request, without those of the request itself. */
    readonly ours: Summary;
    readonly expressJwt: Summary;
    /** Ours over theirs in the same round. */
    readonly ratio: Summary;
  }[];
}

export interface GuardOptions {
  readonly rounds: number;
  readonly progress: (text: string) => void;
}

const ISSUER = 'https://idp.example.com/realms/services';
const AUDIENCE = 'payment-service';
const TOKENS = 250;
const REQUESTS = 2_000;
const ALGORITHMS = ['RS256', 'ES256'] as const;

/** `requireServiceAuth(['payment:charge'])`, which also checks the scope: express-jwt leaves that to another middleware. */
export async function measureGuards({ rounds, progress }: GuardOptions): Promise<GuardReport> {
  const rows = [];
  for (const algorithm of ALGORITHMS) {
    const key = createSigningKey(algorithm, 'k1');
    const tokens = Array.from({ length: TOKENS }, (_, index) => mintFor(key, index));
    const theirs = expressjwt({
      secret: key.publicKey.export({ type: 'spki', format: 'pem' }),
      algorithms: [algorithm],
      issuer: ISSUER,
      audience: AUDIENCE,
    });
    for (const [name, used, fresh] of [
      [`${algorithm}, one token`, tokens.slice(0, 1), false],
      [`${algorithm}, ${TOKENS} tokens in turn`, tokens, false],
      [`${algorithm}, each token for the first time`, tokens, true],
    ] as const) {
      progress(name);
      const requests = fresh ? used.length : REQUESTS;
      const kept = guardWith(key);
      const measured = [];
      for (let round = -1; round < rounds; round += 1) {
        const bare = await microseconds((_request, _response, next) => next(), used, requests);
        const ours = (await microseconds(fresh ? guardWith(key) : kept, used, requests)) - bare;
        const expressJwt = (await microseconds(theirs as RequestHandler, used, requests)) - bare;
        // The first round is for the compiler.
        if (round >= 0) measured.push({ ours, expressJwt, ratio: ours / expressJwt });
      }
      rows.push({
        name,
        ours: summarize(measured.map((each) => each.ours)),
        expressJwt: summarize(measured.map((each) => each.expressJwt)),
        ratio: summarize(measured.map((each) => each.ratio)),
      });
    }
  }
  return { rows };
}

export function guardTable({ rows }: GuardReport): string {
  const shown = ({ median, low, high }: Summary, digits: number): string =>
    `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
  return markdownTable(
    ['requests with', 'ours, µs', 'express-jwt, µs', 'ours over theirs (target: 0.25)'],
    rows.map(({ name, ours, expressJwt, ratio }) => [name, shown(ours, 1), shown(expressJwt, 1), shown(ratio, 3)]),
  );
}

function guardWith(key: SigningKey): RequestHandler {
  const keys = createPushedJwks(keySetBytes(key.jwk()));
  const authenticator = bearer({ issuers: [{ issuer: ISSUER, keys }], audience: AUDIENCE });
  return expressGuards(serviceAuth({ service: AUDIENCE, authenticator })).requireServiceAuth(['payment:charge']);
}

function mintFor(key: SigningKey, index: number): string {
  const now = Math.floor(Date.now() / 1000);
  const sub = `order-service-${index}`;
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub,
    client_id: sub,
    iat: now,
    exp: now + 3_600,
    scope: 'payment:charge',
  };
  return mint(claims, { key });
}

/** Each request is a new message, as the parser makes one, and passes the guard before the next one comes. */
async function microseconds(guard: RequestHandler, tokens: readonly string[], requests: number): Promise<number> {
  const socket = new Socket();
  const began = process.threadCpuUsage();
  for (let index = 0; index < requests; index += 1) {
    const request = messageWith(socket, tokens[index % tokens.length] ?? '');
    await new Promise<void>((resolve, reject) => {
      const next = (error?: unknown): void => (error === undefined ? resolve() : reject(error));
      void guard(request, {} as Response, next);
    });
  }
  const { user, system } = process.threadCpuUsage(began);
  return (user + system) / requests;
}

/** How the parser of Node hands the fields over. */
interface Parsed {
  _addHeaderLines(fields: readonly string[], count: number): void;
}

function messageWith(socket: Socket, token: string): Request {
  const message = new IncomingMessage(socket);
  message.method = 'POST';
  message.url = '/charge';
  const fields = ['Host', 'payment-service', 'Accept', '*/*', 'Authorization', `Bearer ${token}`];
  (message as unknown as Parsed)._addHeaderLines(fields, fields.length);
  return Object.assign(message, {
    originalUrl: '/charge',
    baseUrl: '',
    path: '/charge',
    params: {},
  }) as unknown as Request;
}
