/** One thing that a service does for others: how it is asked for, and which scopes whoever asks must have. */
import type { JsonValue } from '../jwt/strict-json.ts';

export interface Operation<Scope extends string, Result> {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the target, with parameters in braces: `/products/{productId}`. */
  readonly path: string;
  /** All of them are needed. */
  readonly scopes: readonly Scope[];
  /** Must not be done twice: every call carries an `Idempotency-Key`. */
  readonly movesMoney: boolean;
  readonly read: (answer: JsonValue) => Result;
}

export interface OperationOptions<Scope extends string, Result> {
  readonly method: Operation<Scope, Result>['method'];
  readonly path: string;
  readonly scopes: readonly Scope[];
  readonly movesMoney?: boolean;
  /** What the answer means; throws when it is not what it should be. `null` for an answer without a body. */
  readonly read: (answer: JsonValue) => Result;
}

/** What one call of an operation adds to it. */
export interface OperationInput {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** The same for every repetition of the same command; absent: a new one. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/**
 * Describes an operation once; clients without its scopes cannot call it.
 *
 * @example
 * ```ts
 * import { operation, type ServiceClient } from '@sidegate/sdk/client';
 *
 * const refund = operation({
 *   method: 'POST',
 *   path: '/refund',
 *   scopes: ['payment:refund'],
 *   movesMoney: true,
 *   read: (answer) => answer,
 * });
 * const refundOrder = (payments: ServiceClient<'payment:refund'>, orderId: string) =>
 *   payments.call(refund, { body: { order_id: orderId, amount_cents: 1999 }, idempotencyKey: `refund-${orderId}` });
 * ```
 */
export function operation<const Scope extends string, Result>(
  options: OperationOptions<Scope, Result>,
): Operation<Scope, Result> {
  return { ...options, movesMoney: options.movesMoney ?? false };
}

/** Of all operations of a service, those whose scopes a client has: the others are not there for it. */
export type Permitted<
  Operations,
  Needs extends Readonly<Record<keyof Operations, readonly string[]>>,
  Scope extends string,
> = {
  readonly [Name in keyof Operations as Needs[Name][number] extends Scope ? Name : never]: Operations[Name];
};

/** @throws TypeError on a parameter that is missing, or that would make another path of it */
export function operationPath(template: string, { params = {}, query = {} }: OperationInput): string {
  const path = template.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = String(params[name] ?? '');
    if (value === '' || value === '.' || value === '..') throw new TypeError(`${template} needs a usable ${name}`);
    return encodeURIComponent(value);
  });
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return (Array.isArray(value) ? value : [value]).map((each) => [name, String(each)]);
  });
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`;
}

/** A structured field string, as draft-ietf-httpapi-idempotency-key-header writes it. @throws TypeError */
export function idempotencyKeyField(key: string): string {
  if (!/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,255}$/.test(key)) {
    throw new TypeError('an Idempotency-Key has 1 to 255 visible ASCII characters without quotes and backslashes');
  }
  return `"${key}"`;
}
