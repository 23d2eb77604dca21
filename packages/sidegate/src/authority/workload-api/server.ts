/**
 * The SPIFFE Workload API on a UNIX socket. Each connection is attested before a byte of it is read, and has a gRPC server
 * of its own that knows its peer.
 */
import { chmod, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import {
  SECURITY_HEADER,
  WORKLOAD_API_METHODS,
  type WorkloadApiMethod,
  workloadApiPath,
} from '@sidegate/sdk/workload-api';
import { asRefusal, Refusal } from './refusal.ts';
import type { AttestedPeer, AttestPeer } from './unix-attestor.ts';
import { type CallerApi, type WorkloadApiDeps, workloadApiOf } from './workload-api.ts';

export interface WorkloadApiServerOptions extends WorkloadApiDeps {
  /** Absolute path of the socket. */
  readonly path: string;
  /** Who may connect at all; whoever does is attested. */
  readonly mode: number;
  readonly attestPeer: AttestPeer;
}

export interface WorkloadApiServer extends AsyncDisposable {
  readonly path: string;
}

/** An audience list, a token and a SPIFFE ID. */
const MAX_REQUEST_BYTES = 64 * 1024;
const MAX_STREAMS_PER_PEER = 32;
const MAX_CONNECTIONS = 1_000;
/** So that no workload takes the place of all others. */
const MAX_CONNECTIONS_PER_USER = 100;
/** Each starts a process; who comes beyond that is sent away and comes again. */
const MAX_ATTESTATIONS = 16;
/** A stream whose reader does not read is cut before its answers fill the memory. */
const MAX_UNREAD_MESSAGES = 16;

type Bytes = Buffer;

/** @throws Error as a rejection, when the socket cannot be made or another server has it */
export async function serveWorkloadApi(options: WorkloadApiServerOptions): Promise<WorkloadApiServer> {
  const { path, mode, attestPeer, log } = options;
  await removeStale(path);
  const connections = new Set<Socket>();
  const users = new Map<string, number>();
  let attesting = 0;
  const listener = createServer({ pauseOnConnect: true }, (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => socket.destroy());
    if (attesting >= MAX_ATTESTATIONS) {
      socket.destroy();
      return;
    }
    attesting += 1;
    attestPeer(socket)
      .then((peer) => {
        if (socket.destroyed) return;
        countUser(socket, peer, users);
        serveConnection(socket, peer, options);
      })
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        log({ event: 'workload_refused', method: 'connect', reason, selectors: [], pid: undefined });
        socket.destroy();
      })
      .finally(() => {
        attesting -= 1;
      });
  });
  listener.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(path, resolve);
  });
  await chmod(path, mode);
  return {
    path,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        for (const socket of connections) socket.destroy();
      }),
  };
}

/** @throws Error when this user has too many already */
function countUser(socket: Socket, { selectors }: AttestedPeer, users: Map<string, number>): void {
  const user = [...selectors].find((selector) => selector.startsWith('unix:uid:')) ?? '';
  const open = users.get(user) ?? 0;
  if (open >= MAX_CONNECTIONS_PER_USER) throw new Error(`${user} has ${open} connections already`);
  users.set(user, open + 1);
  socket.on('close', () => {
    const left = (users.get(user) ?? 1) - 1;
    if (left === 0) users.delete(user);
    else users.set(user, left);
  });
}

function serveConnection(socket: Socket, peer: AttestedPeer, deps: WorkloadApiDeps): void {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS_PER_PEER,
    'grpc.enable_channelz': 0,
  });
  const apiOf = (metadata: Metadata): CallerApi => workloadApiOf({ peer, token: bearer(metadata) }, deps);
  server.addService(definition(), {
    FetchX509SVID: streaming('FetchX509SVID', apiOf),
    FetchX509Bundles: streaming('FetchX509Bundles', apiOf),
    FetchJWTBundles: streaming('FetchJWTBundles', apiOf),
    FetchJWTSVID: unary('FetchJWTSVID', apiOf),
    ValidateJWTSVID: unary('ValidateJWTSVID', apiOf),
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  injector.injectConnection(socket);
  // Accepted without reading, so that who it is was known first.
  socket.resume();
  socket.on('close', () => {
    injector.destroy();
    server.forceShutdown();
  });
}

/** Messages are read and written by hand, so here they are bytes. */
function definition() {
  const asIs = (value: Bytes): Buffer => value;
  const method = (name: WorkloadApiMethod) => ({
    path: workloadApiPath(name),
    requestStream: false,
    responseStream: WORKLOAD_API_METHODS[name].streams,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: (value: Uint8Array) => Buffer.from(value),
    responseDeserialize: asIs,
  });
  return {
    FetchX509SVID: method('FetchX509SVID'),
    FetchX509Bundles: method('FetchX509Bundles'),
    FetchJWTBundles: method('FetchJWTBundles'),
    FetchJWTSVID: method('FetchJWTSVID'),
    ValidateJWTSVID: method('ValidateJWTSVID'),
  };
}

function streaming(method: Parameters<CallerApi['subscribe']>[0], apiOf: (metadata: Metadata) => CallerApi) {
  return (call: ServerWritableStream<Bytes, Uint8Array>): void => {
    try {
      checkHeader(call.metadata);
      let unread = 0;
      const end = apiOf(call.metadata).subscribe(method, {
        send: (message) => {
          unread = call.write(message) ? 0 : unread + 1;
          if (unread > MAX_UNREAD_MESSAGES) call.emit('error', statusOf(new Refusal('UNAVAILABLE', 'nobody reads')));
        },
        refuse: (refusal) => call.emit('error', statusOf(refusal)),
      });
      call.on('cancelled', end);
      call.on('close', end);
    } catch (error) {
      call.emit('error', statusOf(asRefusal(error)));
    }
  };
}

function unary(method: Parameters<CallerApi['call']>[0], apiOf: (metadata: Metadata) => CallerApi) {
  return (call: ServerUnaryCall<Bytes, Uint8Array>, answer: sendUnaryData<Uint8Array>): void => {
    const answered = async (): Promise<Uint8Array> => {
      checkHeader(call.metadata);
      return apiOf(call.metadata).call(method, call.request);
    };
    answered().then(
      (message) => answer(null, message),
      (error: unknown) => answer(statusOf(asRefusal(error))),
    );
  };
}

function checkHeader(metadata: Metadata): void {
  const values = metadata.get(SECURITY_HEADER.name);
  if (values.length === 1 && values[0] === SECURITY_HEADER.value) return;
  throw new Refusal('INVALID_ARGUMENT', `security header ${SECURITY_HEADER.name} missing from request`);
}

function bearer(metadata: Metadata): string | undefined {
  const values = metadata.get('authorization');
  if (values.length === 0) return undefined;
  const [value] = values;
  const token = values.length === 1 && typeof value === 'string' ? /^Bearer ([^\s,]+)$/.exec(value)?.[1] : undefined;
  if (token === undefined) throw new Refusal('PERMISSION_DENIED', 'authorization is not one bearer token');
  return token;
}

function statusOf({ status: name, message }: Refusal): { readonly code: status; readonly details: string } {
  return { code: status[name], details: message };
}

/** A socket that nobody answers is what a process left that was killed; anything else is left alone. */
async function removeStale(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return;
  const answered = await new Promise<boolean>((resolve) => {
    const socket = connect(path, () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
  if (answered || !found.isSocket()) throw new Error(`${path} is there already, and is no socket that was left behind`);
  await rm(path);
}
