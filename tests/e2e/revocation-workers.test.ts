/** Revocations in a sidecar of several processes, and over a change of its files. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startHttpApp } from '../support/http-app.ts';
import {
  followingFiles,
  followingYaml,
  issueSidecar,
  ORDER_ID,
  startRevokingAuthority,
} from '../support/revoking-authority.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';

const WORKERS = 2;
/** So many that every worker has its turn. */
const TURNS = 2 * WORKERS;

test('every worker refuses what was revoked, also after the files have changed and with another client certificate', async () => {
  await using authority = await startRevokingAuthority();
  await using app = await startHttpApp();
  const { ca, jwks } = authority;
  const root = mkdtempSync(path.join(tmpdir(), 'sidegate-following-'));
  const write = (file: string, content: string): void => {
    writeFileSync(path.join(root, `${file}.new`), content, { mode: 0o600 });
    renameSync(path.join(root, `${file}.new`), path.join(root, file));
  };
  for (const [file, content] of Object.entries(followingFiles(ca, issueSidecar(ca)))) write(file, content);
  const yaml = { jwks, port: app.port, revocation: 'max_gap: 20s', chapters: '', authz: '{ enabled: false }' };
  write('sidecar.yaml', followingYaml({ ...yaml, routes: '[]' }));
  await using sidecar = await startSidecarProcess([
    '--config',
    path.join(root, 'sidecar.yaml'),
    '--root',
    root,
    '--workers',
    String(WORKERS),
    '--connect-to',
    `keycloak.example.com:443=127.0.0.1:${authority.port}`,
  ]);
  const port = Number(sidecar.listening?.ingress?.split(':').at(-1));
  const order = ca.issue({ uris: [ORDER_ID] });
  const outcomes = async (token: string): Promise<string[]> => {
    const seen = new Set<string>();
    for (let count = 0; count < TURNS; count += 1) {
      const answer = await sendRequest(
        { port, tls: { ca: ca.certPem, cert: order.certPem, key: order.keyPem } },
        { headers: ['Authorization', `Bearer ${token}`] },
      );
      seen.add(answer.status === 200 ? '200' : (JSON.parse(answer.body) as { code: string }).code);
    }
    return [...seen];
  };
  const becomes = async (expected: string, token: string): Promise<void> => {
    let seen: string[] = [];
    for (let tries = 0; tries < 200; tries += 1) {
      seen = await outcomes(token);
      if (seen.join() === expected) return;
      await pause(20);
    }
    assert.fail(`${seen.join()}, not ${expected}: ${sidecar.stderr()}`);
  };

  const [first, second, good] = [await authority.token(), await authority.token(), await authority.token()];
  await becomes('200', good);
  await authority.revoke({ token: first });
  await becomes('token_revoked', first);
  assert.deepEqual(await outcomes(good), ['200']);

  const reloads = () => sidecar.stdout().split('"event":"reloaded"').length - 1;
  const { '/own.crt': certificate = '', '/own.key': key = '' } = followingFiles(ca, issueSidecar(ca));
  write('own.key', key);
  write('own.crt', certificate);
  write('sidecar.yaml', followingYaml({ ...yaml, routes: '[{ path: /** }]' }));
  await until(() => reloads() >= WORKERS, 30_000);
  assert.ok(reloads() >= WORKERS, sidecar.stderr());
  assert.deepEqual([await outcomes(first), await outcomes(good)], [['token_revoked'], ['200']]);
  await authority.revoke({ token: second });
  await becomes('token_revoked', second);

  const admin = `http://${sidecar.listening?.admin ?? ''}`;
  const metrics = await (await fetch(`${admin}/metrics`)).text();
  assert.equal(metrics.match(/authz_revocations\{issuer="[^"]+",worker="\d+"\} 2\n/g)?.length, WORKERS, metrics);
  const health = (await (await fetch(`${admin}/health`)).json()) as { revocations: object[] };
  assert.deepEqual(health.revocations, [
    { issuer: 'https://keycloak.example.com/realms/services', entries: 2, connected: true, known: true },
  ]);
  rmSync(root, { recursive: true });
});
