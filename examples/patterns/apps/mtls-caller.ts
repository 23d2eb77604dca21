/** A service that calls another one with its certificate, and believes only what the internal authority has signed. */
import { identityFromFiles, serviceClient } from '@sidegate/sdk/client';

const { TARGET = 'https://service-b:8443', CERTS = '.' } = process.env;
const identity = identityFromFiles({
  cert: `${CERTS}/service-a-cert.pem`,
  key: `${CERTS}/service-a-key.pem`,
  ca: `${CERTS}/ca-cert.pem`,
});
const serviceB = serviceClient({ target: TARGET, identity });
const answer = await serviceB.json('/internal/data');
process.stdout.write(`${JSON.stringify(answer)}\n`);
await serviceB.close();
