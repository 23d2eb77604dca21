/**
 * A client of the SPIFFE Workload API, of SPIRE's agent or of ours: identities and bundles that follow their rotation, and
 * JWT-SVIDs from a cache. Needs `@grpc/grpc-js` and `@bufbuild/protobuf`, so it has an entry point of its own.
 */
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { AccessToken } from '../oauth/access-token.ts';
import { createTokenSource, type TokenSource } from '../oauth/token-source.ts';
import type { Clock, Random, Schedule } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { SpiffeId } from '../spiffe/spiffe-id.ts';
import { parseSpiffeId } from '../spiffe/spiffe-id.ts';
import { endpointTarget } from './endpoint.ts';
import { type JwtBundles, readJwtBundles, readJwtSvid } from './jwt-svid.ts';
import {
  readJwtSvidResponse,
  readValidateJwtSvidResponse,
  writeJwtSvidRequest,
  writeValidateJwtSvidRequest,
} from './messages.ts';
import { MAX_MESSAGE_BYTES, SECURITY_HEADER, type WorkloadApiMethod, workloadApiPath } from './service.ts';
import { type OpenStream, type Watched, watched } from './watched.ts';
import { readX509Bundles, readX509Context, type X509Bundles, type X509Context } from './x509-context.ts';

export interface WorkloadApiOptions {
  /** `unix:///run/spire/sockets/agent.sock`, or `tcp://` with an IP address and a port. */
  readonly socket: string;
  /** A projected service-account token, for an authority that attests by it; asked anew for each call. */
  readonly token?: () => string;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly random: Random;
}

export interface WorkloadApi {
  /** Identities with keys, and the authorities to verify others with. */
  watchX509(): Watched<X509Context>;
  watchX509Bundles(): Watched<X509Bundles>;
  watchJwtBundles(): Watched<JwtBundles>;
  /**
   * A JWT-SVID for these audiences, from the cache until half of its life is over.
   *
   * @param id which identity, where there are several; by default the first
   * @throws Problem `idp_unavailable`, `idp_bad_response`, at once or as a rejection
   */
  jwtSvid(audiences: readonly string[], id?: SpiffeId): AccessToken | Promise<AccessToken>;
  /**
   * Whose JWT-SVID it is, as the Workload API says that verified it.
   *
   * @throws Problem `token_signature_invalid` when it says no, `idp_unavailable`
   */
  validateJwtSvid(audience: string, token: string): Promise<SpiffeId>;
  /** Ends everything that was begun here. */
  close(): void;
}

const UNARY_TIMEOUT_MS = 10_000;
/** Audiences are names of services, of which a workload calls some. */
const MAX_SOURCES = 1_000;

/** @throws RangeError when the socket is no endpoint */
export function workloadApi({ socket, token: accountToken, clock, schedule, random }: WorkloadApiOptions): WorkloadApi {
  const client = new Client(endpointTarget(socket), credentials.createInsecure(), {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 5_000,
    'grpc.enable_retries': 0,
  });
  const metadata = (): Metadata => {
    const made = new Metadata();
    made.set(SECURITY_HEADER.name, SECURITY_HEADER.value);
    if (accountToken !== undefined) made.set('authorization', `Bearer ${accountToken()}`);
    return made;
  };
  const connection: Connection = { client, metadata };
  const streams = new Set<Watched<unknown>>();
  const sources = new Map<string, TokenSource>();

  const watch = <T>(method: WorkloadApiMethod, read: (bytes: Uint8Array, now: number) => T): Watched<T> => {
    const stream = watched({ open: openStream(connection, method), read, clock, schedule, random });
    streams.add(stream);
    return {
      ...stream,
      close() {
        streams.delete(stream);
        stream.close();
      },
    };
  };
  const obtain = async (audiences: readonly string[], id: SpiffeId | undefined): Promise<AccessToken> => {
    const request = writeJwtSvidRequest({ audiences, spiffeId: id?.uri ?? '' });
    const answer = await call(connection, 'FetchJWTSVID', request);
    try {
      const [first] = readJwtSvidResponse(answer);
      if (first === undefined) throw new Error('no identity');
      const { id: own, expiresAt } = readJwtSvid(first, audiences, clock.now());
      if (id !== undefined && own.uri !== id.uri) throw new Error('a token of another identity');
      return new AccessToken(first.token, { expiresAt, scopes: [], issuedScope: undefined });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Problem('idp_bad_response', `the Workload API answered with ${reason}`, { cause: error });
    }
  };
  return {
    watchX509: () => watch('FetchX509SVID', readX509Context),
    watchX509Bundles: () => watch('FetchX509Bundles', readX509Bundles),
    watchJwtBundles: () => watch('FetchJWTBundles', readJwtBundles),
    jwtSvid(audiences, id) {
      if (audiences.length === 0) throw new RangeError('a JWT-SVID has at least one audience');
      const key = JSON.stringify([id?.uri, audiences.toSorted()]);
      let source = sources.get(key);
      if (source === undefined) {
        const [oldest] = sources.keys();
        if (sources.size >= MAX_SOURCES && oldest !== undefined) {
          sources.get(oldest)?.close();
          sources.delete(oldest);
        }
        // A source never renews before half of the life: asking for more than that is asking for the half.
        const refreshBeforeExpirySeconds = Number.MAX_SAFE_INTEGER;
        source = createTokenSource({ obtain: () => obtain(audiences, id), clock, random, refreshBeforeExpirySeconds });
        sources.set(key, source);
      }
      return source.token();
    },
    async validateJwtSvid(audience, token) {
      const request = writeValidateJwtSvidRequest({ audience, token });
      const answer = await call(connection, 'ValidateJWTSVID', request, (error) =>
        error.code === status.INVALID_ARGUMENT
          ? new Problem('token_signature_invalid', 'the Workload API refuses the token')
          : undefined,
      );
      return parseSpiffeId(readValidateJwtSvidResponse(answer));
    },
    close() {
      for (const stream of streams) stream.close();
      for (const source of sources.values()) source.close();
      client.close();
    },
  };
}

const asBytes = (value: Uint8Array): Buffer => Buffer.from(value);

interface Connection {
  readonly client: Client;
  readonly metadata: () => Metadata;
}

/** The requests of all streams are empty. */
function openStream({ client, metadata }: Connection, method: WorkloadApiMethod): OpenStream {
  return ({ onMessage, onEnd }) => {
    const stream = client.makeServerStreamRequest(
      workloadApiPath(method),
      asBytes,
      (bytes: Buffer) => bytes,
      Buffer.alloc(0),
      metadata(),
    );
    let over = false;
    const end = (reason: string, final: boolean): void => {
      if (over) return;
      over = true;
      onEnd({ reason, final });
    };
    stream.on('data', onMessage);
    stream.on('error', (error: ServiceError) => end(shown(error), error.code === status.INVALID_ARGUMENT));
    stream.on('end', () => end('the Workload API ended the stream', false));
    return () => {
      over = true;
      stream.cancel();
    };
  };
}

function call(
  { client, metadata }: Connection,
  method: WorkloadApiMethod,
  request: Uint8Array,
  refusal: (error: ServiceError) => Problem | undefined = () => undefined,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      workloadApiPath(method),
      asBytes,
      (bytes: Buffer) => bytes,
      request,
      metadata(),
      { deadline: Date.now() + UNARY_TIMEOUT_MS },
      (error: ServiceError | null, answer?: Buffer) => {
        if (answer !== undefined && error === null) resolve(answer);
        else if (error !== null)
          reject(refusal(error) ?? new Problem('idp_unavailable', shown(error), { cause: error }));
      },
    );
  });
}

function shown({ code, details }: ServiceError): string {
  return `the Workload API says ${status[code] ?? code}: ${details.slice(0, 200)}`;
}
