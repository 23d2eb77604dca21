/** The example of client credentials, as it is written: its own URLs, and a secret from its settings. */
import assert from 'node:assert/strict';
import { type ExecFileException, execFile } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createPushedJwks } from '@sidegate/sdk';
import { bearer } from '@sidegate/sdk/server';
import express from 'express';
import { createTestAuthority } from '../support/certificates.ts';
import { startHttpsApp } from '../support/https-app.ts';
import { startProtectedService } from '../support/protected-service.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';

const EXAMPLE = path.resolve(import.meta.dirname, '../../examples/patterns/apps/oauth-caller.ts');
const NETWORK = import.meta.resolve('../support/named-network.ts');
const ISSUER = 'https://auth-server';
const SECRET = 'canary-of-service-a';
const key = createSigningKey('ES256', 'k1');
const ca = createTestAuthority('internal-ca');

function tlsOf(name: string) {
  const { certPem: cert, keyPem } = ca.issue({ eku: ['serverAuth'], dns: [name] });
  return { cert, key: keyPem };
}

const isSecret = (given: unknown): boolean => {
  const [presented, own] = [Buffer.from(String(given)), Buffer.from(SECRET)];
  return presented.length === own.length && timingSafeEqual(presented, own);
};

function authServer() {
  const app = express();
  app.post('/token', express.urlencoded(), (request, response) => {
    const { client_id: client, client_secret: secret } = request.body as Readonly<Record<string, unknown>>;
    if (client !== 'service-a' || !isSecret(secret)) {
      response.status(401).json({ error: 'invalid_client' });
      return;
    }
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss: ISSUER, sub: client, client_id: client, aud: 'service-b', iat, exp: iat + 3600 };
    response.json({ access_token: mint(claims, { key }), token_type: 'Bearer', expires_in: 3600 });
  });
  return startHttpsApp(app, tlsOf('auth-server'));
}

const run = (env: Readonly<Record<string, string>>): Promise<{ stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const done = (_error: ExecFileException | null, stdout: string, stderr: string): void =>
      resolve({ stdout, stderr });
    const flags = ['--conditions=@sidegate/source', '--import', NETWORK];
    execFile(process.execPath, [...flags, EXAMPLE], { env: { ...process.env, ...env } }, done);
  });

test('S2-44 the example gets its token at auth-server and calls service-b with it; with another secret it has none', async () => {
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-oauth-'));
  const at = (name: string): string => path.join(folder.path, name);
  await writeFile(at('ca-cert.pem'), ca.certPem);
  await writeFile(at('secret'), SECRET, { mode: 0o600 });
  await using auth = await authServer();
  const keys = createPushedJwks(keySetBytes(key.jwk()));
  await using serviceB = await startProtectedService({
    name: 'service-b',
    authenticator: bearer({ issuers: [{ issuer: ISSUER, keys }], audience: 'service-b' }),
    tls: tlsOf('service-b'),
  });
  const NAMED_NETWORK = JSON.stringify({ 'auth-server:443': auth.port, 'service-b:443': serviceB.port });
  const settings = { NAMED_NETWORK, CA_FILE: at('ca-cert.pem') };

  const refused = await run({ ...settings, CLIENT_SECRET: 'canary-of-nobody' });
  assert.match(refused.stderr, /Failed to get service token/);
  assert.doesNotMatch(refused.stderr, /canary/);
  assert.deepEqual(serviceB.served, []);
  const { stdout, stderr } = await run({ ...settings, CLIENT_SECRET_FILE: at('secret') });
  assert.equal(stdout, '{"data":"sensitive","called_by":"service-a"}\n', stderr);
});
