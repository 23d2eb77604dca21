/** A service that gets its token from the authorization server and calls another one with it. Its secret comes from its settings. */
import { readFileSync } from 'node:fs';
import { loadSettings, secret, string } from '@sidegate/sdk/settings';
import { ServiceClient } from '../../service-clients/service-client.ts';

// CLIENT_SECRET or CLIENT_SECRET_FILE, and CA_FILE
const settings = await loadSettings({ clientSecret: secret(), caFile: string({ default: 'ca-cert.pem' }) });
const client = new ServiceClient({
  clientId: 'service-a',
  clientSecret: settings.values.clientSecret,
  authServerUrl: 'https://auth-server:443',
  ca: readFileSync(settings.values.caFile, 'utf8'),
});
const data = await client.callService('https://service-b:443', '/internal/data');
process.stdout.write(`${JSON.stringify(data)}\n`);
await client.close();
settings.close();
