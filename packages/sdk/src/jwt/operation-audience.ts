/**
 * Audiences that name one operation of a service, `order-service:GET:/orders/:id`: a token for it is worth nothing at
 * any other method or path of that service, nor at another one.
 */

export interface Operation {
  readonly method: string;
  /** Segments of the path; one that begins with `:` stands for any one segment. */
  readonly segments: readonly string[];
}

/** The operations of these services that the audiences name. */
export function operationsOf(audiences: readonly string[], services: readonly string[]): readonly Operation[] {
  return Object.freeze(
    audiences.flatMap((audience) => services.flatMap((service) => operationOf(audience, service) ?? [])),
  );
}

/** @param path as received, without its query */
export function coversOperation(operations: readonly Operation[], method: string, path: string): boolean {
  const segments = path.split('/').slice(1);
  return operations.some((operation) => operation.method === method && matches(operation.segments, segments));
}

function operationOf(audience: string, service: string): Operation | undefined {
  if (!audience.startsWith(`${service}:`)) return undefined;
  const [, method, path] = /^([A-Z]+):\/(.*)$/s.exec(audience.slice(service.length + 1)) ?? [];
  if (method === undefined || path === undefined) return undefined;
  return Object.freeze({ method, segments: Object.freeze(path.split('/')) });
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length !== segments.length) return false;
  return pattern.every((part, index) => (part.startsWith(':') ? segments[index] !== '' : part === segments[index]));
}
