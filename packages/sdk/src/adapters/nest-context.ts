/** For whom a request came, from Nest's guard, which cannot run what follows, to an interceptor, which can. */
import type { NestInterceptor } from '@nestjs/common';
import { type CallContext, within } from '../context/call-context.ts';

export function createContexts() {
  const contexts = new WeakMap<object, CallContext>();
  const interceptor: NestInterceptor = {
    intercept: (context, next) =>
      within(contexts.get(context.switchToHttp().getRequest<object>()) ?? {}, () => next.handle()),
  };
  return {
    remember: (request: object, context: CallContext): void => void contexts.set(request, context),
    interceptor,
  };
}
