/** The receiving side of a service: who may call it, route by route, whatever framework it is written in. */

import type { CallContext } from '../context/call-context.ts';
import { asProblem, Problem } from '../problem.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { type AccessRecord, accessRecord } from './access-record.ts';
import { type Answer, answerOf, type ErrorFormat } from './answer.ts';
import { arrivedContext } from './arrived-context.ts';
import type { Authenticator } from './authenticator.ts';
import { askPolicy, type PolicyOptions } from './policy.ts';
import type { Principal } from './principal.ts';
import type { ReceivedRequest } from './received-request.ts';
import { splitTarget } from './request-path.ts';
import { checkCaller, checkRule, type Route, type RouteRule } from './route-rule.ts';
import { after, orElse } from './settled.ts';

export interface ServiceAuthOptions {
  /** This service, for messages to its developers. */
  readonly service: string;
  /** How callers prove who they are; several with `allOf` and `anyOf`. */
  readonly authenticator: Authenticator;
  /** Which services may call at all; by default all that are authenticated. */
  readonly callers?: readonly string[];
  /**
   * The routes that must be for services alone, by their names in the audit trail: `/^DELETE .*\/tenant\//`. One that lets users in
   * stops the start, as one without a rule does.
   */
  readonly serviceOnlyRoutes?: RegExp;
  /** What refused callers are told; `problem` by default. */
  readonly errors?: ErrorFormat;
  /** Keeps a record of each call; one that throws refuses the call, since nothing happens unrecorded. */
  readonly audit?: (record: AccessRecord) => void;
  /** Asked last, about every call of a route that is not public. */
  readonly policy?: PolicyOptions;
  readonly runtime?: Pick<Runtime, 'clock'>;
}

export type Admission =
  | { readonly ok: true; readonly principal: Principal | undefined; readonly context: CallContext }
  | { readonly ok: false; readonly answer: Answer };

/** One route's guard, before a framework's handler is made of it. */
export interface RouteGuard {
  /**
   * Lets the caller in, or says what to answer instead; at once where there is nothing to wait for.
   *
   * @throws what is no refusal, at once or as a rejection: the framework's own error handling has it, and nothing was let in
   */
  readonly admit: (request: ReceivedRequest, route: Route) => Admission | Promise<Admission>;
}

export interface ServiceAuth {
  readonly service: string;
  /** Whether a route of that name, such as `DELETE /orders/:id`, must be for services alone. */
  isServiceOnly(name: string): boolean;
  /** @param rule undefined: the route is public */
  guard(rule: RouteRule | undefined): RouteGuard;
  /** What to answer for a refusal that a handler threw; undefined: it is no refusal. */
  refusal(error: unknown): Answer | undefined;
  /** What to answer where a handler failed and no framework has an answer for it. */
  failure(): Answer;
  close(): void;
}

/**
 * Checks who calls this service. An adapter (`@sidegate/sdk/express` and its siblings) makes the framework's guards of it.
 *
 * @throws RangeError without a service name or an authenticator: a receiver that verifies nobody is not built
 * @example
 * ```ts
 * import { bearer, serviceAuth } from '@sidegate/sdk/server';
 *
 * const auth = serviceAuth({
 *   service: 'payment-service',
 *   authenticator: bearer({ issuers: ['https://idp.example.com/realms/services'], audience: 'payment-service' }),
 *   audit: (record) => console.log(JSON.stringify(record)),
 * });
 * ```
 */
export function serviceAuth(options: ServiceAuthOptions): ServiceAuth {
  const { service, authenticator, callers, serviceOnlyRoutes, errors = 'problem', audit, policy } = options;
  const { runtime = systemRuntime() } = options;
  const answered = (problem: Problem): Answer => answerOf(problem, errors, authenticator.proofChallenge);
  if (service === '') throw new RangeError('serviceAuth: name the service');
  // From JavaScript it may well be missing, and then everybody would be let in.
  if (typeof (authenticator as Authenticator | undefined)?.authenticate !== 'function') {
    throw new RangeError(
      `serviceAuth: ${service} has no authenticator, so anybody could call it; give bearer(…) or mutualTls(…)`,
    );
  }

  const record = (
    facts: Pick<Parameters<typeof accessRecord>[0], 'route' | 'onlyServices' | 'principal' | 'refusal'>,
  ) => {
    if (audit === undefined) return;
    try {
      audit(accessRecord({ ...facts, now: runtime.clock.now() }));
    } catch (cause) {
      throw new Problem('audit_unavailable', 'the audit record could not be kept', { cause });
    }
  };

  const guarded = (rule: RouteRule): RouteGuard => ({
    admit(request, found) {
      const route = rule.name === undefined ? found : { ...found, name: rule.name };
      const onlyServices = rule.service === true;
      let principal: Principal | undefined;
      const judged = (): Admission | Promise<Admission> => {
        // A sidecar would not even ask who calls.
        if (policy !== undefined) splitTarget(request);
        return after(authenticator.authenticate(request), (caller) => {
          principal = caller;
          if (callers !== undefined && caller.service !== undefined) checkCaller(callers, caller.service.name);
          return after(checkRule(rule, caller, { request, route }), () =>
            after(askPolicy(policy, caller, request), () => {
              record({ route, onlyServices, principal, refusal: undefined });
              return { ok: true, principal, context: arrivedContext(request, principal) } as const;
            }),
          );
        });
      };
      return orElse(judged, (error) => {
        if (!isUnrecorded(error)) record({ route, onlyServices, principal, refusal: asProblem(error) });
        return refused(error);
      });
    },
  });

  const refused = (error: unknown): Admission => {
    if (!(error instanceof Problem)) throw error;
    return { ok: false, answer: answered(error) };
  };

  return {
    service,
    isServiceOnly: (name) => serviceOnlyRoutes !== undefined && name.search(serviceOnlyRoutes) >= 0,
    guard: (rule) => (rule === undefined ? PUBLIC : guarded(rule)),
    refusal: (error) => (error instanceof Problem ? answered(error) : undefined),
    failure: () => answered(new Problem('internal', 'a handler failed')),
    close: () => authenticator.close(),
  };
}

const PUBLIC: RouteGuard = {
  admit: (request) => ({ ok: true, principal: undefined, context: arrivedContext(request, undefined) }),
};

/** The record itself is what failed: another attempt would fail as well. */
function isUnrecorded(error: unknown): boolean {
  return error instanceof Problem && error.code === 'audit_unavailable';
}
