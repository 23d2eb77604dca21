/** The gateway's own app: tells a signed-in user what the sidecar knows of them. */
import { serveJson } from './json-service.ts';

serveJson('storefront', {
  'GET /profile': ({ headers }) => ({
    status: 200,
    body: {
      user_id: headers['x-user-id'] ?? null,
      email: headers['x-user-email'] ?? null,
      roles: headers['x-user-roles']?.split(',') ?? [],
    },
  }),
});
