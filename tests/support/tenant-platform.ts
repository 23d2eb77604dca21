/** The platform of examples/tenant-deletion, started for a test: its own keys and certificate, any ports, an audit trail of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type AuditTrail, openAuditTrail } from '../../examples/tenant-deletion/audit-trail.ts';
import {
  createPlatformKeys,
  type PlatformKeys,
  signingHandler,
  userToken,
} from '../../examples/tenant-deletion/auth-service.ts';
import { type Platform, startPlatform } from '../../examples/tenant-deletion/platform.ts';
import { ORCHESTRATOR } from '../../examples/tenant-deletion/services/topology.ts';
import { createTestAuthority } from './certificates.ts';

export interface TestPlatform extends AsyncDisposable {
  readonly platform: Platform;
  readonly keys: PlatformKeys;
  readonly audit: AuditTrail;
  readonly gatewayLog: readonly string[];
  readonly serviceLog: readonly string[];
  /** PEM: who signed the gateway's certificate. */
  readonly ca: string;
  readonly directory: string;
  readonly serviceToken: string;
  readonly userToken: string;
}

export async function startTestPlatform(tenants: readonly string[]): Promise<TestPlatform> {
  const directory = mkdtempSync(path.join(tmpdir(), 'tenant-deletion-'));
  const authority = createTestAuthority('bakery-CA');
  const { certPem, keyPem } = authority.issue({ eku: ['serverAuth'], dns: ['localhost'], ips: ['127.0.0.1'] });
  const keys = createPlatformKeys();
  const audit = openAuditTrail(path.join(directory, 'audit.jsonl'));
  const gatewayLog: string[] = [];
  const serviceLog: string[] = [];
  const platform = await startPlatform({
    keys: [keys],
    tls: { key: keyPem, cert: certPem },
    audit,
    gatewayLog: (line) => void gatewayLog.push(line),
    serviceLog: (line) => void serviceLog.push(line),
    tenants,
  });
  return {
    platform,
    keys,
    audit,
    gatewayLog,
    serviceLog,
    ca: authority.certPem,
    directory,
    serviceToken: signingHandler(keys).createServiceToken(ORCHESTRATOR),
    userToken: await userToken(keys, 'mary', 'admin'),
    async [Symbol.asyncDispose]() {
      await platform[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

export const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });
