/** What is believed of a peer, and what is not. */
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { type PeerCredentials, readCredentials } from './peer-credentials.ts';
import { type ProcFiles, unixAttestor } from './unix-attestor.ts';

const stat = (started: number | string, name = 'app', state = 'S'): string =>
  `42 (${name}) ${state} 1 42 42 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 11 0 ${started} 1000 100 18446744073709551615`;
const missing = (): never => {
  throw Object.assign(new Error('gone'), { code: 'ENOENT' });
};
const PROC: ProcFiles = { stat: () => stat(5_000), executable: () => '/usr/bin/app', uptime: () => '60.00 100.00\n' };

const attest = (proc: Partial<ProcFiles> = {}, credentials: Partial<PeerCredentials> = {}) =>
  unixAttestor(async () => ({ uid: 1000, gid: 1001, pid: 42, ...credentials }), { ...PROC, ...proc })(new Socket());

describe('a peer is refused when', () => {
  test('its credentials cannot be read', async () => {
    await assert.rejects(unixAttestor(async () => Promise.reject(new Error('no perl')), PROC)(new Socket()), /no perl/);
  });
  const ROWS: readonly (readonly [title: string, proc: Partial<ProcFiles>])[] = [
    ['its process has ended', { stat: missing }],
    ['its process is a zombie', { stat: () => stat(5_000, 'app', 'Z') }],
    ['its number belongs to a process that began after the connection', { stat: () => stat(6_001) }],
    [
      'the name of its program pretends an earlier start',
      { stat: () => stat(6_001, 'x) S 1 42 42 0 -1 0 0 0 0 0 1 2 0 0 20 0 11 0 1 (') },
    ],
    ['its start is no number', { stat: () => stat('soon') }],
    ['the boot time is not known', { uptime: () => '', stat: () => stat(1) }],
  ];
  for (const [title, proc] of ROWS) {
    test(title, async () => assert.rejects(attest(proc), /the peer has ended/));
  }
  test('another process got its number while it was looked at', async () => {
    let asked = 0;
    await assert.rejects(attest({ stat: () => stat((asked += 1) === 1 ? 5_000 : 5_500) }), /the peer has ended/);
  });
});

for (const [title, executable] of [
  ['was removed', () => '/usr/bin/app (deleted)'],
  ['cannot be seen', missing],
] as const) {
  test(`a program that ${title} is no selector`, async () => {
    const { selectors } = await attest({ executable });
    assert.deepEqual([...selectors], ['unix:uid:1000', 'unix:gid:1001']);
  });
}

test('a process of another namespace is known by its user alone', async () => {
  const { selectors } = await attest({ stat: missing, executable: missing }, { pid: undefined });
  assert.deepEqual([...selectors], ['unix:uid:1000', 'unix:gid:1001']);
});

test('a peer is known by user, group and program, and alive until its process is another one', async () => {
  let started = 5_000;
  const peer = await attest({ stat: () => stat(started) });
  assert.deepEqual([...peer.selectors], ['unix:uid:1000', 'unix:gid:1001', 'unix:path:/usr/bin/app']);
  assert.equal(peer.isAlive(), true);
  started = 5_900;
  assert.equal(peer.isAlive(), false);
});

describe('what the kernel says is read as it is', () => {
  for (const [output, expected] of [
    ['', undefined],
    ['1 2', undefined],
    ['1 2 3 4', undefined],
    ['1 2 3\n', undefined],
    ['-1 0 0', undefined],
    ['1 4294967295 0', undefined],
    ['1 0 4294967295', undefined],
    ['99999999999 0 0', undefined],
    ['0 1000 1000', { uid: 1000, gid: 1000, pid: undefined }],
    ['42 0 7', { uid: 0, gid: 7, pid: 42 }],
  ] as const) {
    test(JSON.stringify(output), () => assert.deepEqual(readCredentials(output), expected));
  }
});
