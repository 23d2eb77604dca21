/** Whom the kernel says a peer of the Workload API to be. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, realpathSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { until } from '../../../../../tests/support/until.ts';
import { askWorkloadApi, clientOf } from '../../../../../tests/support/workload-api-call.ts';
import { startWorkloadAuthority, TRUST_DOMAIN } from '../../../../../tests/support/workload-authority.ts';
import { PERL, perlCredentials } from './peer-credentials.ts';
import { type AttestedPeer, unixAttestor } from './unix-attestor.ts';

const ID = `spiffe://${TRUST_DOMAIN}/zone2/order-service`;
const uid = process.getuid?.() ?? 0;

describe('the kernel says who a peer is', { skip: existsSync(PERL) ? false : `there is no ${PERL}` }, () => {
  const attest = unixAttestor(perlCredentials());

  test('this process, by user, group and program', async () => {
    await using authority = await startWorkloadAuthority({ attestPeer: attest });
    authority.register({
      selectors: [`unix:uid:${uid}`, `unix:gid:${process.getgid?.()}`, `unix:path:${process.execPath}`],
    });
    using client = clientOf(authority.socket);
    assert.equal((await client.watchX509().first()).svids[0].id.uri, ID);
    assert.equal((await client.jwtSvid(['a'])).toString(), '[redacted]');
    const [event] = authority.events;
    assert.equal(event?.pid, process.pid);
  });

  const asRoot = { skip: uid === 0 ? false : 'only root may start a process of another user' };
  test('a process of another user', asRoot, async () => {
    const seen: AttestedPeer[] = [];
    const told = async (socket: Socket): Promise<AttestedPeer> => {
      const peer = await attest(socket);
      seen.push(peer);
      return peer;
    };
    await using authority = await startWorkloadAuthority({ attestPeer: told, mode: 0o666 });
    chmodSync(path.dirname(authority.path), 0o755);
    const script = `use Socket;socket(S,PF_UNIX,SOCK_STREAM,0);connect(S,sockaddr_un("${authority.path}")) or die;sleep 100`;
    const child = spawn(PERL, ['-e', script], { uid: 65_534, gid: 65_533, env: {}, stdio: 'ignore' });
    await until(() => seen.length > 0, 10_000);
    const [peer] = seen;
    assert.equal(peer?.pid, child.pid);
    assert.deepEqual(
      [...(peer?.selectors ?? [])],
      ['unix:uid:65534', 'unix:gid:65533', `unix:path:${realpathSync(PERL)}`],
    );
    assert.equal(peer?.isAlive(), true);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('close', resolve));
    assert.equal(peer?.isAlive(), false);
  });

  test('nothing where the program is missing', async () => {
    const attestPeerWithout = unixAttestor(perlCredentials('/nonexistent/perl'));
    await using authority = await startWorkloadAuthority({ attestPeer: attestPeerWithout });
    assert.equal((await askWorkloadApi(authority.socket, 'FetchX509SVID')).code, status.UNAVAILABLE);
  });
});
