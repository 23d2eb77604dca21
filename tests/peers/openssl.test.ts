/** OpenSSL's own client: which protocols are spoken to it, and that no session of a certificate is taken up again. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type OrderSidecar, startOrderSidecar } from '../security/order-sidecar.ts';
import { type Ended, type Folder, makeFolder, runProgram, withoutProgram } from './foreign-program.ts';

describe('openssl s_client', { skip: withoutProgram('openssl', 'version') }, () => {
  let order: OrderSidecar;
  let folder: Folder;
  before(async () => {
    order = await startOrderSidecar();
    folder = makeFolder();
    folder.file('ca.pem', order.zone.certPem);
    folder.pair('gateway', order.gateway);
  });
  after(async () => {
    folder?.[Symbol.dispose]();
    await order?.[Symbol.asyncDispose]();
  });

  const inFolder = (name: string): string => path.join(folder.directory, name);
  const connect = (...args: readonly string[]): Promise<Ended> =>
    runProgram(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${order.sidecar.ingressPort}`, '-servername', 'localhost', '-ign_eof']
        .concat(['-CAfile', inFolder('ca.pem'), '-verify_return_error'])
        .concat(['-cert', inFolder('gateway.crt'), '-key', inFolder('gateway.key')], args),
      [
        `GET /orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${order.userToken()}\r\nConnection: close\r\n\r\n`,
      ],
    );

  for (const version of ['-tls1', '-tls1_1']) {
    test(`S0-11 ${version} gets no handshake`, async () => {
      const { code, stdout } = await connect(version, '-cipher', 'ALL:@SECLEVEL=0');
      assert.notEqual(code, 0);
      assert.doesNotMatch(stdout, /HTTP\/1\.1/);
    });
  }

  for (const version of ['-tls1_2', '-tls1_3']) {
    test(`S0-11 ${version} is served, and a session of it is not taken up again`, async () => {
      const session = inFolder(`session${version}`);
      const first = await connect(version, '-sess_out', session);
      assert.match(first.stdout, /HTTP\/1\.1 200/, first.stderr);
      const again = await connect(version, ...(existsSync(session) ? ['-sess_in', session] : []));
      assert.match(again.stdout, /HTTP\/1\.1 200/, again.stderr);
      assert.match(again.stdout, /^New, TLSv1/m, 'a full handshake, in which the certificate is checked anew');
      assert.doesNotMatch(again.stdout, /^Reused/m);
    });
  }
});
