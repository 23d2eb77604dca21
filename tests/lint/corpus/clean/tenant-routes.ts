import express, { Router } from 'express';
import { expressGuards } from '@sidegate/sdk/express';
import { auth } from './auth.js';
import { deleteTenant, exportTenant, previewDeletion } from './tenants.js';

const { publicRoute, requireOwner, requireRoles, requireServiceAuth, serviceOnly } = expressGuards(auth);
const admin = requireRoles('admin', 'system');
const deletion = [requireServiceAuth(['tenants:delete']), serviceOnly()];

export const router = Router();

router.get('/healthz', publicRoute(), (_req, res) => {
  res.json({ status: 'ok' });
});

router.get('/tenant/:tenantId/deletion-preview', serviceOnly(), async (req, res) => {
  res.json(await previewDeletion(String(req.params.tenantId)));
});

router.delete('/tenant/:tenantId', deletion, async (req, res) => {
  await deleteTenant(String(req.params.tenantId));
  res.status(204).end();
});

router
  .route('/tenant/:tenantId/export')
  .get(admin, async (req, res) => res.json(await exportTenant(String(req.params.tenantId))))
  .post(requireOwner(({ params }) => params['tenantId']), async (req, res) => res.json(await exportTenant(String(req.params.tenantId))));

const internal = Router();
internal.use(serviceOnly());
internal.post('/rebuild', (_req, res) => res.status(202).end());
internal.delete('/tenant/:tenantId/cache', (_req, res) => res.status(204).end());

export const app = express();
app.set('trust proxy', 1);
app.get('env');
app.use(express.json());
app.use('/api/v1', router);
app.use('/internal', internal);
