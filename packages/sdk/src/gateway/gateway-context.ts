/**
 * Behind a gateway: who calls is what the gateway says, if it is the gateway that calls. Whoever else calls has to prove itself, and what its
 * request says of its identity is not even read.
 */
import { Problem, type ProblemCode } from '../problem.ts';
import type { Authenticator } from '../server/authenticator.ts';
import type { Principal, ProofKind } from '../server/principal.ts';
import type { ReceivedRequest } from '../server/received-request.ts';
import { KNOWN_SERVICES } from '../service-tokens/known-services.ts';
import { readPlatformCaller } from '../service-tokens/platform-claims.ts';
import { principalOf } from '../service-tokens/platform-tokens.ts';
import {
  readList,
  SERVICE_NAME,
  SERVICE_OPERATIONS,
  SERVICE_TENANTS,
  USER_EMAIL,
  USER_ID,
  USER_ROLE,
  USER_TYPE,
} from './identity-headers.ts';

export interface GatewayContextOptions {
  /** How the gateway proves that it is one, such as `mutualTls`. */
  readonly peer: Authenticator;
  /** As `peer` calls the gateways. */
  readonly gateways: readonly string[];
  /** For everybody else, such as `platformTokens`. */
  readonly direct: Authenticator;
  /** Names that a service may have: the fifteen of the platform by default. */
  readonly services?: readonly string[];
}

/**
 * @example
 * ```ts
 * import { gatewayContext } from '@sidegate/sdk/gateway';
 * import { mutualTls, serviceAuth } from '@sidegate/sdk/server';
 * import { JWTHandler, platformTokens, publicPemKeys } from '@sidegate/sdk/service-tokens';
 *
 * const verificationKeys = publicPemKeys({ pem: process.env['TOKEN_PUBLIC_KEY'] ?? '', keyId: 'key-2026-04' });
 * const auth = serviceAuth({
 *   service: 'orders-service',
 *   authenticator: gatewayContext({
 *     peer: mutualTls({ allowedClients: ['spiffe://example.com/api-gateway'] }),
 *     gateways: ['spiffe://example.com/api-gateway'],
 *     direct: platformTokens({ tokens: new JWTHandler({ verificationKeys }) }),
 *   }),
 * });
 * ```
 *
 * @throws RangeError when there is no gateway
 */
export function gatewayContext(options: GatewayContextOptions): Authenticator {
  const { peer, gateways, direct, services = KNOWN_SERVICES } = options;
  if (gateways.length === 0) throw new RangeError('gateways: nobody could speak for others; use direct alone');
  return {
    async authenticate(request) {
      const gateway = await gatewayOf(request);
      return gateway === undefined ? direct.authenticate(request) : callerBehind(gateway, request);
    },
    close() {
      peer.close();
      direct.close();
    },
  };

  /** A proof that does not hold is refused: it is no reason to look at another one. */
  async function gatewayOf(request: ReceivedRequest): Promise<Principal | undefined> {
    let principal: Principal;
    try {
      principal = await peer.authenticate(request);
    } catch (error) {
      if (isNoGateway(error)) return undefined;
      throw error;
    }
    const { name, spiffeId } = principal.service ?? {};
    return [name, spiffeId].some((one) => one !== undefined && gateways.includes(one)) ? principal : undefined;
  }

  function callerBehind({ proofs }: Principal, request: ReceivedRequest): Principal {
    const field = (name: string): string | undefined => {
      const [value, another] = request.values(name);
      if (another !== undefined) throw new Problem('duplicate_header', `${name} was sent more than once`);
      return value;
    };
    const said = {
      type: field(USER_TYPE),
      user_id: field(USER_ID),
      email: field(USER_EMAIL),
      role: field(USER_ROLE),
      service: field(SERVICE_NAME),
      tenants: readList(field(SERVICE_TENANTS)),
      operations: readList(field(SERVICE_OPERATIONS)),
    };
    if (said.type === undefined) throw new Problem('token_missing', `the gateway sent no ${USER_TYPE}`);
    const claims = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
    const [proof = 'mtls' satisfies ProofKind] = proofs;
    return principalOf(
      readPlatformCaller(claims as Parameters<typeof readPlatformCaller>[0], services),
      proof,
      undefined,
    );
  }
}

/** No proof, or that of somebody who is none: then it is one of the others. */
const NO_GATEWAY: ReadonlySet<ProblemCode> = new Set([
  'token_missing',
  'client_certificate_missing',
  'peer_not_allowed',
]);

function isNoGateway(error: unknown): boolean {
  return error instanceof Problem && NO_GATEWAY.has(error.code);
}
