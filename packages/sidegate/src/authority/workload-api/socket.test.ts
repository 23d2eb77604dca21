/** The socket of the Workload API: bytes that no client sends, files in its place, more connections than it takes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { until } from '../../../../../tests/support/until.ts';
import { askWorkloadApi, attestSelf, SELF } from '../../../../../tests/support/workload-api-call.ts';
import { startWorkloadAuthority } from '../../../../../tests/support/workload-authority.ts';
import type { AttestedPeer } from './unix-attestor.ts';

describe('a server goes on after', () => {
  const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const ROWS: readonly (readonly [title: string, bytes: Buffer])[] = [
    ['nothing at all', Buffer.alloc(0)],
    ['half a preface', PREFACE.subarray(0, 10)],
    ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['random bytes', Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919) % 251))],
    ['a frame of 16 MiB', Buffer.concat([PREFACE, Buffer.from('ffffff000000000001', 'hex')])],
    ['a header block that is none', Buffer.concat([PREFACE, Buffer.from('00000401050000000180808080', 'hex')])],
    ['settings for a stream', Buffer.concat([PREFACE, Buffer.from('000000040000000003', 'hex')])],
    [
      'a thousand resets',
      Buffer.concat([PREFACE, ...Array.from({ length: 1000 }, () => Buffer.from('00000403000000000100000008', 'hex'))]),
    ],
  ];
  for (const [title, bytes] of ROWS) {
    test(title, async () => {
      await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
      const socket = connect(authority.path);
      socket.on('error', () => undefined).resume();
      socket.end(bytes);
      await new Promise((resolve) => socket.on('close', resolve));
      assert.equal((await askWorkloadApi(authority.socket, 'FetchX509SVID')).code, status.OK);
    });
  }

  test('a peer that is gone before it was attested', async () => {
    let gone = (): void => undefined;
    const waits = new Promise<void>((resolve) => {
      gone = resolve;
    });
    let attested = 0;
    const late = async (): Promise<AttestedPeer> => {
      attested += 1;
      if (attested === 1) await waits;
      return SELF;
    };
    await using authority = await startWorkloadAuthority({ attestPeer: late });
    const socket = connect(authority.path, () => socket.destroy());
    await until(() => socket.destroyed && attested === 1, 10_000);
    gone();
    assert.equal((await askWorkloadApi(authority.socket, 'FetchX509SVID')).code, status.OK);
  });
});

describe('the socket', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sidegate-socket-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('is not taken from a server that lives', async () => {
    await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
    await assert.rejects(startWorkloadAuthority({ attestPeer: attestSelf, path: authority.path }), /is there already/);
    assert.equal((await askWorkloadApi(authority.socket, 'FetchX509SVID')).code, status.OK);
  });

  test('never takes the place of a file', async () => {
    const file = path.join(folder, 'file');
    writeFileSync(file, 'precious');
    await assert.rejects(startWorkloadAuthority({ attestPeer: attestSelf, path: file }), /is there already/);
    assert.ok(existsSync(file));
  });

  test('takes the place of one that a killed server left, and has the mode that it should have', async () => {
    const file = path.join(folder, 'stale.sock');
    const listening = `require('net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await new Promise((resolve) => spawn(process.execPath, ['-e', listening]).on('close', resolve));
    assert.ok(statSync(file).isSocket());
    await using authority = await startWorkloadAuthority({ attestPeer: attestSelf, path: file, mode: 0o660 });
    assert.equal(statSync(file).mode & 0o777, 0o660);
    assert.equal((await askWorkloadApi(authority.socket, 'FetchX509SVID')).code, status.OK);
  });

  test('has room for others when one user takes all that it may have, and again when that lets go', async () => {
    let user = 'unix:uid:1';
    const attestUser = async (): Promise<AttestedPeer> => ({ ...SELF, selectors: new Set([user]) });
    await using authority = await startWorkloadAuthority({ attestPeer: attestUser });
    authority.register({ selectors: ['unix:uid:1'] }, { selectors: ['unix:uid:2'] });
    const sockets: Socket[] = [];
    for (let index = 0; index < 100; index += 1) {
      const socket = connect(authority.path).on('error', () => undefined);
      // The server speaks first once it has taken the connection.
      await new Promise((resolve) => socket.once('data', resolve));
      sockets.push(socket);
    }
    assert.equal((await askWorkloadApi(authority.socket, 'FetchX509SVID')).code, status.UNAVAILABLE);
    const [refused] = authority.events;
    assert.equal(refused?.event === 'workload_refused' && refused.reason, 'unix:uid:1 has 100 connections already');
    user = 'unix:uid:2';
    assert.equal((await askWorkloadApi(authority.socket, 'FetchX509SVID')).code, status.OK);
    user = 'unix:uid:1';
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve).destroy())));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal((await askWorkloadApi(authority.socket, 'FetchX509SVID')).code, status.OK);
  });

  test('sends away more connections at once than it can attest, and serves the next', async () => {
    const waiting: (() => void)[] = [];
    let open = false;
    const slow = async (): Promise<AttestedPeer> => {
      if (!open) await new Promise<void>((resolve) => waiting.push(resolve));
      return SELF;
    };
    await using authority = await startWorkloadAuthority({ attestPeer: slow });
    const sockets: Socket[] = [];
    let closed = 0;
    for (let index = 0; index < 20; index += 1) {
      sockets.push(
        connect(authority.path)
          .on('close', () => (closed += 1))
          .on('error', () => undefined)
          .resume(),
      );
    }
    await until(() => closed === 4, 10_000);
    assert.deepEqual([waiting.length, closed], [16, 4]);
    open = true;
    for (const free of waiting) free();
    assert.equal((await askWorkloadApi(authority.socket, 'FetchX509SVID')).code, status.OK);
    for (const socket of sockets) socket.destroy();
  });
});
