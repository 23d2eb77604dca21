import { testRule } from '../../../../tests/support/rule-cases.ts';
import { requireRouteDeclaration } from './require-route-declaration.ts';

const undeclared = (route: string, framework: string, line?: number) => ({
  messageId: 'undeclared',
  data: { route, framework },
  ...(line === undefined ? {} : { line }),
});
const destructive = (route: string, framework: string, line?: number) => ({
  ...undeclared(route, framework, line),
  messageId: 'destructive',
});

const EXPRESS =
  "import express, { Router } from 'express';\nimport { expressGuards } from '@sidegate/sdk/express';\nconst guards = expressGuards(auth);\n";
const NEST = "import { Controller, Delete, Get, UseGuards } from '@nestjs/common';\n";

testRule('require-route-declaration', requireRouteDeclaration, {
  wrong: [
    {
      name: 'S1-104 a destructive tenant route without the guard is listed',
      code: `${EXPRESS}const router = Router();\nrouter.delete('/tenant/:tenant_id', remove);`,
      errors: [destructive('DELETE /tenant/:tenant_id', 'express', 5)],
    },
    {
      name: 'a destructive tenant route that users may call',
      code: `${EXPRESS}const router = Router();\nrouter.delete('/tenants/:tenantId', guards.requireRoles('admin'), remove);`,
      errors: [destructive('DELETE /tenants/:tenantId', 'express')],
    },
    {
      name: 'a route of an application, behind middleware that is no rule',
      code: `${EXPRESS}const app = express();\napp.use(express.json());\napp.get('/orders', cors(), list);`,
      errors: [undeclared('GET /orders', 'express')],
    },
    {
      name: 'the guard comes after the route, or for other paths',
      code: `${EXPRESS}const app = express();\napp.use('/admin', guards.serviceOnly());\napp.get('/orders', list);\napp.use(guards.serviceOnly());`,
      errors: [undeclared('GET /orders', 'express', 6)],
    },
    {
      name: 'a chain of one path',
      code: `${EXPRESS}const router = Router();\nrouter.route('/orders')\n .get(guards.publicRoute(), list)\n .post(create);`,
      errors: [undeclared('POST /orders', 'express', 7)],
    },
    {
      name: 'a guard of the file that only looks like one',
      code: `${EXPRESS}const serviceOnly = () => (req, res, next) => next();\nconst app = express();\napp.get('/orders', serviceOnly(), list);`,
      errors: [undeclared('GET /orders', 'express')],
    },
    {
      name: 'Fastify, in both forms, and in a plugin',
      code: "import Fastify from 'fastify';\nconst app = Fastify({ logger: true });\napp.get('/a', async () => 1);\napp.route({ method: ['GET', 'POST'], url: '/b', handler });\napp.register(async (instance) => { instance.post('/c', { schema }, handler); });",
      errors: [
        undeclared('GET /a', 'fastify', 3),
        undeclared('GET, POST /b', 'fastify', 4),
        undeclared('POST /c', 'fastify', 5),
      ],
    },
    {
      name: 'Fastify by the type of a parameter',
      code: "import type { FastifyInstance } from 'fastify';\nexport async function routes(app: FastifyInstance) { app.delete('/tenant/:id', { onRequest: limit }, handler); }",
      errors: [destructive('DELETE /tenant/:id', 'fastify')],
    },
    {
      name: 'Hono, in a chain',
      code: "import { Hono } from 'hono';\nimport { honoGuards } from '@sidegate/sdk/hono';\nconst { serviceOnly } = honoGuards(auth);\nconst app = new Hono().get('/a', serviceOnly(), a).post('/b', b);\napp.on(['PUT', 'DELETE'], '/c', c);",
      errors: [undeclared('POST /b', 'hono', 4), undeclared('PUT, DELETE /c', 'hono', 5)],
    },
    {
      name: 'Koa, with its other name for DELETE',
      code: "import Router from '@koa/router';\nconst router = new Router();\nrouter.del('/tenant/:tenant', remove);\nrouter.get('/a', a);",
      errors: [destructive('DELETE /tenant/:tenant', 'koa'), undeclared('GET /a', 'koa')],
    },
    {
      name: 'Nest',
      code: `${NEST}@Controller('orders')\nexport class Orders {\n @Get(':id')\n find() {}\n @UseGuards(AuthGuard('jwt'))\n @Delete('tenant/:tenantId')\n remove() {}\n}`,
      errors: [undeclared('GET /orders/:id', 'nestjs', 4), destructive('DELETE /orders/tenant/:tenantId', 'nestjs', 7)],
    },
  ],
  right: [
    {
      name: 'every form of a rule',
      code: `${EXPRESS}const { serviceOnly, publicRoute } = guards;\nconst admin = guards.requireRoles('admin');\nconst app = express();\napp.get('/a', publicRoute(), a);\napp.get('/b', admin, b);\napp.get('/c', [json(), guards.requireServiceAuth(['c:read'])], c);\napp.delete('/tenant/:id', serviceOnly(), d);\napp.delete('/tenant/:id/cache', guards.requireRoles('system'), d);\napp.get('/e', guards.requireOwner(({ params }) => params.id), e);`,
    },
    {
      name: 'guards of another module',
      code: "import { Router } from 'express';\nimport { guards } from './guards.js';\nconst router = Router();\nrouter.delete('/tenant/:id', guards.serviceOnly(), remove);",
    },
    {
      name: 'a router that is guarded, and one that is mounted behind a guard',
      code: `${EXPRESS}const a = Router();\na.use(guards.serviceOnly());\na.delete('/tenant/:id', remove);\nconst b = Router();\nb.get('/x', x);\nconst app = express();\napp.use('/b', guards.requireRoles('admin'), b);`,
    },
    {
      name: 'a chain whose first link is the guard',
      code: `${EXPRESS}const router = Router();\nrouter.route('/orders').all(guards.serviceOnly()).get(list).post(create);`,
    },
    {
      name: 'settings, and things that are no routers',
      code: `${EXPRESS}const app = express();\napp.get('trust proxy');\ncache.get('/a', load);\naxios.get('/a', options);\nnew Map().delete('/tenant/1', x);`,
    },
    {
      name: 'Fastify, by hooks',
      code: "import Fastify from 'fastify';\nimport { fastifyGuards } from '@sidegate/sdk/fastify';\nconst guards = fastifyGuards(auth);\nconst app = Fastify();\napp.get('/a', { onRequest: guards.publicRoute() }, a);\napp.route({ method: 'DELETE', url: '/tenant/:id', preHandler: [log, guards.serviceOnly()], handler });\napp.register(async (instance) => { instance.addHook('onRequest', guards.serviceOnly()); instance.get('/b', b); });",
    },
    {
      name: 'Hono and Koa',
      code: "import { Hono } from 'hono';\nimport Router from '@koa/router';\nimport { guards, koa } from './guards.js';\nconst app = new Hono();\napp.use('*', guards.serviceOnly());\napp.get('/a', a);\nconst router = new Router({ prefix: '/r' });\nrouter.get('/a', koa.requireRoles('baker'), a);",
    },
    {
      name: 'Nest, by guards and by decorators made of them',
      code: `${NEST}import { nestGuards } from '@sidegate/sdk/nestjs';\nconst guards = nestGuards(auth);\n@UseGuards(guards.requireServiceAuth(['orders:read']))\n@Controller('orders')\nexport class Orders {\n @Get(':id') find() {}\n @ServiceOnly() @Delete('tenant/:tenantId') remove() {}\n}`,
    },
    {
      name: 'routes of a table, whose rules take the guards',
      code: `${EXPRESS}const app = express();\nfor (const { method, path, rule, handle } of routes) {\n const before = rule === undefined ? [] : [rule(guards)];\n app.get(path, ...before, handle);\n}`,
    },
    {
      name: "a guard of the project's own",
      code: `${EXPRESS}import { onlyPartners } from './partners.js';\nconst app = express();\napp.get('/a', onlyPartners, a);\napp.delete('/tenant/:id', onlyPartners(), a);`,
      options: { guards: ['onlyPartners'] },
    },
  ],
});
