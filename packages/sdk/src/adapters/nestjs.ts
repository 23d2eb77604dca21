/** `@sidegate/sdk/nestjs`: guard classes for `@UseGuards(…)`, on Express or Fastify. */
import type { IncomingMessage } from 'node:http';
import {
  type CanActivate,
  type ExecutionContext,
  HttpException,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/constants.js';
import { Problem } from '../problem.ts';
import { createGuards, type Guards } from '../server/guards.ts';
import { createNodeRequests } from '../server/node-request.ts';
import type { Principal } from '../server/principal.ts';
import type { ServiceAuth } from '../server/service-auth.ts';
import { createContexts } from './nest-context.ts';
import { exceptionOf } from './nest-exception.ts';

/** Handlers find who calls in `request.principal`, undefined on public routes. */
export interface NestGuards extends Guards<Type<CanActivate>> {
  /** For `useGlobalGuards`: refuses every call of a route that has no rule, on itself or on its controller. */
  readonly requireRules: CanActivate;
  /** For `useGlobalInterceptors`: calls that handlers make carry user and trace on, which a guard of Nest cannot do by itself. */
  readonly carryContext: NestInterceptor;
}

type NestRequest = (IncomingMessage | { readonly raw: IncomingMessage }) & {
  readonly originalUrl: string;
  readonly params: Readonly<Record<string, string>>;
  principal?: Principal | undefined;
};

/**
 * Guard classes for controllers and their handlers.
 *
 * @example
 * ```ts
 * import { UseGuards } from '@nestjs/common';
 * import { nestGuards } from '@sidegate/sdk/nestjs';
 * import { bearer, serviceAuth } from '@sidegate/sdk/server';
 *
 * const tokens = bearer({ issuers: ['https://idp.example.com/realms/services'], audience: 'payment-service' });
 * const guards = nestGuards(serviceAuth({ service: 'payment-service', authenticator: tokens }));
 * // At a handler: @Charging() @Post('charge'), and at the start: app.useGlobalGuards(guards.requireRules),
 * // app.useGlobalInterceptors(guards.carryContext).
 * const Charging = () => UseGuards(guards.requireServiceAuth(['payment:charge']));
 * ```
 */
export function nestGuards(auth: ServiceAuth): NestGuards {
  const received = createNodeRequests();
  const contexts = createContexts();
  const guards = createGuards<Type<CanActivate>>(auth, ({ admit }) => {
    return class RouteRuleGuard implements CanActivate {
      async canActivate(context: ExecutionContext): Promise<true> {
        const request = context.switchToHttp().getRequest<NestRequest>();
        const name = `${context.getClass().name}.${context.getHandler().name}`;
        const message = 'raw' in request ? request.raw : request;
        const admission = await admit(received(message, request.originalUrl), { name, params: request.params });
        if (!admission.ok) throw exceptionOf(context, admission.answer);
        request.principal = admission.principal;
        contexts.remember(request, admission.context);
        return true;
      }
    };
  });
  const requireRules: CanActivate = {
    canActivate(context) {
      const declared = [context.getHandler(), context.getClass()].flatMap(
        (target): unknown[] => Reflect.getMetadata(GUARDS_METADATA, target) ?? [],
      );
      const name = `${context.getClass().name}.${context.getHandler().name}`;
      if (declared.some(guards.declares) && !guards.letsUsersIn({ name, handlers: declared })) return true;
      const answer = auth.refusal(new Problem('route_undeclared', `${name} has no rule, or one that lets users in`));
      throw answer === undefined ? new HttpException('', 403) : exceptionOf(context, answer);
    },
  };
  return { ...guards, requireRules, carryContext: contexts.interceptor };
}
