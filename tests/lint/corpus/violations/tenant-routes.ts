import express, { type Request, type Response, Router } from 'express';
import { expressGuards } from '@sidegate/sdk/express';
import { auth } from './auth.js';
import { deleteTenant, exportTenant, previewDeletion } from './tenants.js';

const { publicRoute, requireServiceAuth, serviceOnly } = expressGuards(auth);
export const router = Router();

router.get('/healthz', publicRoute(), (_req, res) => {
  res.json({ status: 'ok' });
});

router.get('/tenant/:tenantId/deletion-preview', serviceOnly(), async (req: Request, res: Response) => {
  res.json(await previewDeletion(String(req.params.tenantId)));
});

router.delete('/tenant/:tenantId', async (req: Request, res: Response) => { // finds: require-route-declaration
  await deleteTenant(String(req.params.tenantId));
  res.status(204).end();
});

router.post('/tenant/:tenantId/export', requireServiceAuth(['tenants:export']), async (req, res) => {
  res.json(await exportTenant(String(req.params.tenantId)));
});

const purge = async (req: Request, res: Response) => {
  await deleteTenant(String(req.params.tenantId), { purge: true });
  res.status(204).end();
};
router.route('/tenant/:tenantId/archive').delete(publicRoute(), purge); // finds: require-route-declaration

export const app = express();
app.use(express.json());
app.use('/api/v1', router);
app.get('/version', (_req, res) => res.json({ version: process.env.VERSION })); // finds: require-route-declaration
