/** A real nginx that asks a sidecar in `decision_only` before it forwards, configured as docs/admin.md says. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { valuesOf } from '../support/http-app.ts';
import { startIngress } from '../support/ingress.ts';
import { sendRequest, type WireRequest } from '../support/wire.ts';

const version = spawnSync('nginx', ['-V'], { encoding: 'utf8' });
const known = version.error === undefined && version.stderr.includes('http_auth_request_module');
const skip = known ? false : 'there is no nginx with auth_request';

const POLICY = `package authz
default allow := false
allow if { input.request.method == "POST"; input.request.path == "/orders"; input.request.host == "shop.example" }`;

function configuration(
  directory: string,
  ports: { readonly own: number; readonly gate: number; readonly app: number },
) {
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log;
events {}
http {
  access_log off;
  ${places.map((place) => `${place}_temp_path ${directory}/${place};`).join(' ')}
  server {
    listen 127.0.0.1:${ports.own};
    location / {
      auth_request /decision;
      auth_request_set $user $upstream_http_x_user_id;
      proxy_set_header X-User-ID $user;
      proxy_set_header Authorization "";
      proxy_pass http://127.0.0.1:${ports.app};
    }
    location = /decision {
      internal;
      proxy_pass http://127.0.0.1:${ports.gate}/;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Original-Method $request_method;
      proxy_set_header X-Original-URI $request_uri;
    }
  }
}
`;
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function startNginx(gate: number, app: number) {
  const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-nginx-'));
  const own = await freePort();
  const config = path.join(directory, 'nginx.conf');
  writeFileSync(config, configuration(directory, { own, gate, app }));
  const nginx = spawn('nginx', ['-p', directory, '-c', config], { stdio: 'ignore' });
  const exited = once(nginx, 'exit');
  for (let i = 0; i < 200 && !(await listens(own)); i += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    port: own,
    async [Symbol.asyncDispose]() {
      nginx.kill('SIGTERM');
      await exited;
      rmSync(directory, { recursive: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const told = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', told(true)).once('error', told(false));
  });
}

test('nginx forwards what the sidecar allows, with the user that the token names, and nothing else', {
  skip,
}, async () => {
  await using gate = await startIngress({
    files: { '/policies/a.rego': POLICY },
    chapters: 'policy: { path: /policies }',
    proxy: '  mode: decision_only\n  decision: { request_from: x_original }\n  headers: { inject_user_id: X-User-ID }',
  });
  await using nginx = await startNginx(gate.sidecar.ingressPort, gate.app.port);
  const bearer = ['Authorization', `Bearer ${gate.token()}`, 'Host', 'shop.example'];
  const order: WireRequest = { method: 'POST', target: '/orders?a=1', headers: bearer, body: '{"n":1}' };
  const ROWS: readonly (readonly [title: string, status: number, request: WireRequest])[] = [
    ['no token', 401, { ...order, headers: ['Host', 'shop.example'] }],
    ['a bad token', 401, { ...order, headers: ['Host', 'shop.example', 'Authorization', 'Bearer x'] }],
    ['another method', 403, { ...order, method: 'PUT' }],
    ['another path', 403, { ...order, target: '/other' }],
    [
      'another path with a forged description',
      403,
      { ...order, target: '/other', headers: [...bearer, 'X-Original-URI', '/orders'] },
    ],
    ['another host', 403, { ...order, headers: [...bearer.slice(0, 2), 'Host', 'evil.example'] }],
  ];
  for (const [title, status, request] of ROWS) {
    assert.equal((await sendRequest(nginx, request)).status, status, title);
    assert.equal(gate.app.seen.length, 0, title);
  }
  const served = await sendRequest(nginx, { ...order, headers: [...bearer, 'X-User-ID', 'admin'] });
  assert.equal(served.status, 200, served.raw);
  const [seen, ...others] = gate.app.seen;
  assert.deepEqual(others, []);
  assert.deepEqual([seen?.method, seen?.url, seen?.body], ['POST', '/orders?a=1', '{"n":1}']);
  assert.deepEqual(valuesOf(seen?.rawHeaders ?? [], 'x-user-id'), ['user-123']);
  assert.deepEqual(valuesOf(seen?.rawHeaders ?? [], 'authorization'), []);
});
