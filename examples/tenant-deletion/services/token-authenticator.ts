/** Who calls, by the token of a service or of a user: each service looks at it itself and believes no header of a gateway. */
import { Problem, readCredentials } from '@sidegate/sdk';
import type { Authenticator, Principal } from '@sidegate/sdk/server';
import type { JWTHandler } from '@sidegate/sdk/service-tokens';

export function tokenAuthenticator(handler: JWTHandler): Authenticator {
  return {
    async authenticate(request) {
      return principalOf(await handler.verify(readCredentials(request.values('authorization'))));
    },
    close: () => {},
  };
}

function principalOf(claims: Awaited<ReturnType<JWTHandler['verify']>>): Principal {
  const text = (name: string): string | undefined => {
    const value = claims[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const name = claims['type'] === 'service' || claims['is_service'] === true ? text('service') : undefined;
  const roles = name === undefined ? [text('role') ?? 'user'] : ['system'];
  const id = text('user_id') ?? text('sub');
  if (name === undefined && id === undefined)
    throw new Problem('token_sub_invalid', 'it names neither a service nor a user');
  return Object.freeze({
    proofs: ['service_jwt'] as const,
    service: name === undefined ? undefined : { name, spiffeId: undefined },
    user: name === undefined && id !== undefined ? { id, roles } : undefined,
    scopes: [],
    roles,
    claims,
  });
}
