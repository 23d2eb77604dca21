import 'reflect-metadata';
import type { RequestListener } from 'node:http';
import { Controller, Module, Req, RequestMapping, RequestMethod, Res, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { nestGuards } from '@sidegate/sdk/nestjs';
import type { Request, Response } from 'express';
import type { Framework, ServiceRoute } from './guarded-service.ts';
import { createGuardedServer, serving } from './serving.ts';

type Guards = ReturnType<typeof nestGuards>;

/** Decorators are functions: what `@Post('charge')` does, without the syntax. */
function controllerOf(routes: readonly ServiceRoute[], guards: Guards) {
  // oxlint-disable-next-line typescript/no-extraneous-class -- what Nest calls a controller; its methods follow
  class PaymentController {}
  for (const { method, path, rule, handle } of routes) {
    const name = `${method} ${path}`;
    const value = (request: Request, response: Response): void => {
      const { status, body } = handle(request.principal, request.params);
      response.status(status).json(body);
    };
    const descriptor = { value, configurable: true, enumerable: false, writable: true };
    Object.defineProperty(PaymentController.prototype, name, descriptor);
    RequestMapping({ path, method: RequestMethod[method] })(PaymentController.prototype, name, descriptor);
    Req()(PaymentController.prototype, name, 0);
    Res()(PaymentController.prototype, name, 1);
    if (rule !== undefined) UseGuards(rule(guards))(PaymentController.prototype, name, descriptor);
  }
  Controller()(PaymentController);
  return PaymentController;
}

export const startNest: Framework = async ({ auth, routes, tls }) => {
  const guards = nestGuards(auth);
  // oxlint-disable-next-line typescript/no-extraneous-class -- what Nest calls a module
  class PaymentModule {}
  Module({ controllers: [controllerOf(routes, guards)] })(PaymentModule);
  const app = await NestFactory.create(PaymentModule, { logger: false, rawBody: true });
  app.useGlobalGuards(guards.requireRules);
  app.useGlobalInterceptors(guards.carryContext);
  await app.init();
  const listener = app.getHttpAdapter().getInstance() as RequestListener;
  return serving(createGuardedServer(listener, tls));
};
