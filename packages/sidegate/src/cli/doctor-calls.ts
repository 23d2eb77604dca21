/** The calls that the doctor makes: the same request at each hop, with the token, with nothing, and with a user's token. */
import type { HttpClient } from '@sidegate/sdk';

/** From outside to inside. */
export type HopName = 'url' | 'gateway' | 'service';

export interface Hop {
  readonly name: HopName;
  readonly url: string;
}

export interface Answer {
  /** Undefined: there was none. */
  readonly status: number | undefined;
  /** What the answer calls its refusal; or why there was none. */
  readonly code: string | undefined;
}

export interface HopAnswers extends Hop {
  readonly token: Answer;
  readonly nothing: Answer;
  /** Undefined: no user's token was given. */
  readonly user: Answer | undefined;
  /** In the header that the client uses, where that is another one. */
  readonly otherHeader: Answer | undefined;
}

export interface Callers {
  readonly token: string;
  readonly user: string | undefined;
  readonly otherHeader: string | undefined;
}

/** Reads what would be deleted, and never deletes: no other method is ever sent. */
const METHOD = 'GET';
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;

export async function callHop(http: HttpClient, hop: Hop, { token, user, otherHeader }: Callers): Promise<HopAnswers> {
  const ask = (headers: Readonly<Record<string, string>>) => call(http, hop.url, headers);
  return {
    ...hop,
    token: await ask({ authorization: `Bearer ${token}` }),
    nothing: await ask({}),
    user: user === undefined ? undefined : await ask({ authorization: `Bearer ${user}` }),
    otherHeader: otherHeader === undefined ? undefined : await ask({ [otherHeader]: token }),
  };
}

async function call(http: HttpClient, url: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  try {
    const {
      status,
      headers: answered,
      body,
    } = await http({
      method: METHOD,
      url,
      headers: { accept: 'application/json', ...headers },
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    return { status, code: codeIn(body.toString('utf8')) ?? challengeIn(answered['www-authenticate']) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no_answer';
    return { status: undefined, code };
  }
}

/** RFC 9457's `code`, the `error.code` or `error` of others; of a text alone what it is known to mean. */
function codeIn(body: string): string | undefined {
  try {
    const { code, error, detail } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    const nested = typeof error === 'object' && error !== null && 'code' in error ? error.code : error;
    const named = [code, nested].find((each) => typeof each === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(each));
    return typeof named === 'string' ? named.toLowerCase() : meaningOf(typeof detail === 'string' ? detail : '');
  } catch {
    return meaningOf(body);
  }
}

/** RFC 6750 section 3.1: a challenge names an error where a token was seen, and none where there was none. */
function challengeIn(challenge: string | undefined): string | undefined {
  return /\berror="?([a-z_]{1,64})/.exec(challenge ?? '')?.[1];
}

const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/only accessible to internal services/i, 'service_required'],
  [/not authenticated|authorization header|authentication required|bearer token is required/i, 'token_missing'],
];

function meaningOf(text: string): string | undefined {
  return MEANINGS.find(([pattern]) => pattern.test(text))?.[1];
}
