/**
 * Starts the platform and, with --once, walks through one deletion and ends: 0 when all of it held, 1 otherwise.
 *
 * usage: npm run example:tenant-deletion -- [--once] [--json] [--state DIR] [--port N]
 */
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ask } from './ask.ts';
import { openAuditTrail } from './audit-trail.ts';
import { keysFromFile, type PlatformKeys, signingHandler, userToken } from './auth-service.ts';
import { gatewayCertificate } from './gateway-certificate.ts';
import { DeletionOrchestrator } from './orchestrator/deletion-orchestrator.ts';
import { orchestratorCredentials } from './orchestrator/service-token.ts';
import { type Platform, startPlatform } from './platform.ts';
import { ORCHESTRATOR } from './services/topology.ts';
import { walkThrough } from './walk-through.ts';

const TENANT = 'dbc2128a-7539-470c-94b9-c1e37031bd77';
const REQUESTED_BY = 'alice@bakery.example';

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    state: { type: 'string', default: path.join(import.meta.dirname, '.lab') },
    port: { type: 'string', default: '0' },
  },
});

await main();

async function main(): Promise<void> {
  mkdirSync(values.state, { recursive: true, mode: 0o700 });
  const tls = await gatewayCertificate(values.state);
  const keyFile = path.join(values.state, 'signing-key.pem');
  const keys = keysFromFile(keyFile);
  const auditFile = path.join(values.state, 'audit.jsonl');
  rmSync(auditFile, { force: true });
  const audit = openAuditTrail(auditFile);
  await using platform = await startPlatform({
    keys: [keys],
    tls,
    audit,
    gatewayLog: logTo('gateway.log'),
    serviceLog: logTo('services.log'),
    tenants: [TENANT],
    gatewayPort: Number(values.port),
  });
  if (!values.once) return await stayUp(platform, keys);

  const orchestrator = new DeletionOrchestrator({
    credentials: await orchestratorCredentials({ env: { JWT_PRIVATE_KEY_FILE: keyFile, ...process.env } }),
    targets: platform.names.map((service) => ({ service, url: `${platform.gateway}/api/v1/${service}` })),
    audit: (record) => audit.write(record),
    ca: tls.ca,
  });
  const steps = walkThrough({
    platform,
    orchestrator,
    audit,
    tenantId: TENANT,
    requestedBy: REQUESTED_BY,
    status: async (method, url, token) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await ask({ method, url, headers, ca: tls.ca })).status;
    },
    serviceToken: signingHandler(keys).createServiceToken(ORCHESTRATOR),
    userToken: await userToken(keys, 'mary', 'admin'),
  });
  for await (const step of steps) {
    const { text, ...facts } = step;
    process.stdout.write(values.json ? `${JSON.stringify(facts)}\n` : `${step.ok ? 'ok' : 'FAILED'}: ${text}\n\n`);
    if (!step.ok) process.exitCode = 1;
  }
  await orchestrator.close();
}

function logTo(name: string): (line: string) => void {
  const file = path.join(values.state, name);
  rmSync(file, { force: true });
  return (line) => appendFileSync(file, `${new Date().toISOString()} ${line}\n`, { mode: 0o600 });
}

/** Until Ctrl-C, with what one needs to try it. */
async function stayUp(platform: Platform, keys: PlatformKeys): Promise<void> {
  writeFileSync(path.join(values.state, 'public-key.pem'), keys.publicKey);
  writeFileSync(path.join(values.state, 'user-token'), await userToken(keys, 'mary', 'admin'), { mode: 0o600 });
  process.stdout.write(tryLines(platform, path.relative('', values.state)));
  await new Promise<void>((resolve) => {
    const alive = setInterval(() => {}, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(alive);
        resolve();
      });
    }
  });
}

function tryLines(platform: Platform, state: string): string {
  const preview = `/tenant/${TENANT}/deletion-preview`;
  return `The gateway is at ${platform.gateway}. Ctrl-C ends it. In another shell:

export JWT_PRIVATE_KEY_FILE=${state}/signing-key.pem SIDEGATE="npm run -s sidegate --"
export GATEWAY=${platform.gateway}

# a token for the orchestrator, and what it would delete
export SERVICE_TOKEN=$($SIDEGATE token issue ${ORCHESTRATOR} --output raw)
curl --cacert ${state}/certs/ca/bakery-ca.crt -H "Authorization: Bearer $SERVICE_TOKEN" $GATEWAY/api/v1/orders${preview}

# whether it gets through to each of the twelve
examples/tenant-deletion/smoke.sh

# a user gets a 403, and the doctor says what is wrong when something is
curl --cacert ${state}/certs/ca/bakery-ca.crt -H "Authorization: Bearer $(cat ${state}/user-token)" $GATEWAY/api/v1/orders${preview}
$SIDEGATE doctor $GATEWAY/api/v1/orders${preview} --direct ${platform.directUrl('orders')}${preview} \\
  --ca ${state}/certs/ca/bakery-ca.crt --keys ${state}/public-key.pem --user-token-file ${state}/user-token
`;
}
