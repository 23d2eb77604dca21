/** One of the twelve services: what it would delete of a tenant, and the deletion. Both are for services alone. */
import { expressGuards } from '@sidegate/sdk/express';
import type { ServiceAuth } from '@sidegate/sdk/server';
import express, { type Express, type RequestHandler } from 'express';
import type { TenantStore } from './tenant-store.ts';

export interface TenantServiceOptions {
  /** As in the path. */
  readonly name: string;
  readonly auth: ServiceAuth;
  readonly store: TenantStore;
  /** Told of what a handler failed on; callers are not. */
  readonly failed: (error: unknown) => void;
  /** Told of each deletion, after it. */
  readonly deleted: (deletion: TenantDeletion) => void;
}

export interface TenantDeletion {
  readonly tenantId: string;
  readonly rows: Readonly<Record<string, number>>;
  /** The service that asked for it. */
  readonly by: string;
}

/**
 * The routes of a service; listening is for whoever starts it.
 *
 * @throws Error when a route says nothing about who may call it
 */
export function tenantService({ name, auth, store, failed, deleted }: TenantServiceOptions): Express {
  const app = express().disable('x-powered-by');
  const guards = expressGuards(auth);
  const tenant = `/api/v1/${name}/tenant/:tenantId`;

  app.get('/health', guards.publicRoute(), (_request, response) => {
    response.json({ status: 'ok' });
  });
  app.get(
    `${tenant}/deletion-preview`,
    guards.serviceOnly({ name: 'preview_tenant_deletion', operation: 'tenant:preview' }),
    knownTenant,
    ({ params }, response) => {
      const tenantId = String(params['tenantId']);
      response.json({ service: name, tenant_id: tenantId, rows: store.preview(tenantId) });
    },
  );
  app.delete(
    tenant,
    guards.serviceOnly({ name: 'delete_tenant_data', operation: 'tenant:delete' }),
    knownTenant,
    ({ params, principal }, response) => {
      const tenantId = String(params['tenantId']);
      const rows = store.delete(tenantId);
      deleted({ tenantId, rows, by: principal?.service?.name ?? 'nobody' });
      response.json({ service: name, tenant_id: tenantId, rows });
    },
  );

  guards.requireRules(app);
  app.use(guards.refusals, answerFailure(failed));
  return app;
}

const TENANT_ID = /^[A-Za-z0-9_-]{1,64}$/;

const knownTenant: RequestHandler = ({ params }, response, next) => {
  if (TENANT_ID.test(String(params['tenantId']))) next();
  else response.status(400).json({ error: 'this is not the id of a tenant' });
};

/** A handler that breaks after its caller was let in is a 500, whatever it broke on: never a 401 or a 403. */
function answerFailure(failed: (error: unknown) => void): express.ErrorRequestHandler {
  return (error, _request, response, next) => {
    if (response.headersSent) return next(error);
    failed(error);
    response.status(500).json({ error: 'the service failed; its log says why' });
  };
}
