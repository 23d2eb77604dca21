/** Clients made from documents: what comes out compiles, runs, and has no method that its scopes do not allow. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { JsonValue } from '@sidegate/sdk';
import { type ServiceClient, serviceClient, staticToken } from '@sidegate/sdk/client';
import { startCalledService } from '../../../../tests/support/called-service.ts';
import { readOpenApi } from './openapi-operations.ts';
import { permissionsOf } from './permission-matrix.ts';

const MAIN = path.join(import.meta.dirname, 'main.ts');
const ROOT = path.resolve(import.meta.dirname, '../../../..');
const folder = mkdtempSync(path.join(tmpdir(), 'sidegate-generate-client-'));
after(() => rmSync(folder, { recursive: true, force: true }));
symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');

function generate(...args: readonly string[]) {
  const command = ['--conditions=@sidegate/source', MAIN, 'generate', 'client', ...args];
  return spawnSync(process.execPath, command, { encoding: 'utf8', cwd: folder });
}

function written(name: string, content: unknown): string {
  const file = path.join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const receipt = {
  description: 'done',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/receipt' } } },
};
const money = {
  parameters: [{ $ref: '#/components/parameters/key' }],
  requestBody: {
    required: true,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/command' } } },
  },
  responses: { 200: receipt },
};
const PAYMENT = {
  openapi: '3.1.0',
  info: { title: 'Payments', version: '1' },
  security: [{ oauth: ['payment:read'] }],
  paths: {
    '/charge': { post: { operationId: 'charge', security: [{ oauth: ['payment:charge'] }], ...money } },
    '/refund': { post: { operationId: 'refund', security: [{ oauth: ['payment:refund'] }], ...money } },
    '/receipts/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      get: {
        parameters: [{ name: 'page', in: 'query', schema: { type: 'integer' } }],
        responses: { 200: receipt },
      },
    },
    '/health': { get: { operationId: 'health', security: [], responses: { 204: { description: 'well' } } } },
  },
  components: {
    parameters: { key: { name: 'Idempotency-Key', in: 'header', required: true, schema: { type: 'string' } } },
    schemas: {
      command: {
        type: 'object',
        required: ['order_id', 'amount_cents'],
        properties: {
          order_id: { type: 'string' },
          amount_cents: { type: 'integer' },
          note: { type: ['string', 'null'] },
        },
      },
      receipt: {
        type: 'object',
        required: ['receipt_id'],
        properties: {
          receipt_id: { type: 'string' },
          state: { enum: ['done', 'pending'] },
          parent: { $ref: '#/components/schemas/receipt' },
        },
      },
    },
  },
};
const document = written('payment-service.json', PAYMENT);

describe('nothing is written', () => {
  const operation = (changed: object): unknown => ({
    ...PAYMENT,
    security: undefined,
    paths: { '/x': { get: changed } },
  });
  for (const [title, content, reason] of [
    ['for no OpenAPI', {}, /is no OpenAPI 3 document/],
    ['for an older one', { swagger: '2.0' }, /is no OpenAPI 3 document/],
    [
      'for an operation that anybody may call',
      operation({ responses: {} }),
      /GET \/x: says nothing of who may call it/,
    ],
    ['for an operation with several ways in', operation({ security: [{ a: ['b'] }, { c: [] }] }), /several ways/],
    ['for a scope that is none', operation({ security: [{ a: ['b c'] }] }), /needs a scope that is none/],
    ['for no operation', { ...PAYMENT, paths: {} }, /has no operations/],
    [
      'for two of one name',
      { ...PAYMENT, paths: { '/a': { get: { operationId: 'x' }, put: { operationId: 'x' } } } },
      /are both called x/,
    ],
  ] as const) {
    test(title, () => {
      const { findings } = readOpenApi(JSON.parse(JSON.stringify(content)) as JsonValue, 'api.json');
      assert.match(findings.map(({ message }) => message).join('\n'), reason);
    });
  }

  const policy = path.join(ROOT, 'examples/three-zones/policies/dataservice.rego');
  for (const [title, caller, file, rule, reason] of [
    [
      'for a caller that is not in the matrix',
      'a',
      written('b.json', { b: ['c'] }),
      undefined,
      /gives a no permissions/,
    ],
    [
      'for a caller by the name of a method',
      'toString',
      written('b.json', {}),
      undefined,
      /gives toString no permissions/,
    ],
    ['for permissions that are no list', 'a', written('c.json', { a: 'b' }), undefined, /gives a no permissions/],
    ['for a policy without its rule', 'order-service', policy, undefined, /name its rule/],
    ['for a rule that is not there', 'order-service', policy, 'data.dataservice.nothing', /no permissions/],
    ['for a rule that is none', 'order-service', policy, '1 +', /is no rule/],
    ['for a matrix that is not there', 'order-service', path.join(folder, 'nowhere.json'), undefined, /cannot be read/],
  ] as const) {
    test(title, () => {
      assert.throws(() => permissionsOf(caller, file, rule), { name: 'StartRefused', message: reason });
    });
  }

  for (const [title, args, status, reason] of [
    ['for a document that is not there', ['nowhere.json'], 78, /cannot be read/],
    ['for a caller without a matrix', [document, '--caller', 'a'], 64, /belong together/],
    ['for a name that ends a text', [document, '--service', "a';b"], 64, /A name was expected/],
  ] as const) {
    test(title, () => {
      const answer = generate(...args, '--out', path.join(folder, 'refused.ts'));
      assert.equal(answer.status, status, answer.stderr);
      assert.match(answer.stderr, reason);
      assert.equal(existsSync(path.join(folder, 'refused.ts')), false);
    });
  }
});

test('a document that wants to be a program stays data', () => {
  const evil = "*/ throw new Error('reached'); /* `${process.exit(9)}`";
  const file = written('2 evil;names.json', {
    ...PAYMENT,
    paths: {
      [`/${evil}`]: { get: { operationId: evil, security: [{ oauth: ["a'b"] }], responses: { 200: receipt } } },
    },
    components: { schemas: { receipt: { type: 'object', properties: { [evil]: { enum: [evil] } } } } },
  });
  const out = path.join(folder, 'evil.ts');
  assert.equal(generate(file, '--out', out).status, 0);
  execFileSync(process.execPath, ['--conditions=@sidegate/source', out], { cwd: folder });
});

test('S0-42 a client made of a document compiles, runs, and has no method without its scope', async () => {
  const out = path.join(folder, 'payment-client.ts');
  const answer = generate(document, '--out', out, '--json');
  assert.equal(answer.status, 0, answer.stderr);
  assert.deepEqual(JSON.parse(answer.stdout).operations, [
    { name: 'charge', scopes: ['payment:charge'] },
    { name: 'health', scopes: [] },
    { name: 'getReceiptsId', scopes: ['payment:read'] },
    { name: 'refund', scopes: ['payment:refund'] },
  ]);
  written(
    'use.ts',
    `import { serviceClient, staticToken } from '@sidegate/sdk/client';
import { paymentService, type Receipt } from './payment-client.ts';
const credentials = staticToken('abc', ['payment:charge']);
const payments = paymentService(serviceClient({ target: 'http://localhost', credentials, development: true }));
export const charge = async (): Promise<Receipt> => {
  const receipt = await payments.charge({ body: { order_id: '42', amount_cents: 1999, note: null } });
  const state: 'done' | 'pending' | undefined = receipt.state;
  // @ts-expect-error the amount is a number
  await payments.charge({ body: { order_id: '42', amount_cents: '1999' } });
  // @ts-expect-error there is no body
  await payments.charge({});
  // @ts-expect-error this client may not refund
  await payments.refund({ body: { order_id: '42', amount_cents: 1999 } });
  // @ts-expect-error nor read
  await payments.getReceiptsId({ params: { id: 'r' } });
  await payments.health();
  return state === undefined ? receipt : { ...receipt, state };
};
`,
  );
  const config = {
    extends: path.join(ROOT, 'tsconfig.json'),
    include: ['use.ts'],
  };
  const project = written('tsconfig.json', config);
  const compiled = spawnSync(path.join(ROOT, 'node_modules/.bin/tsc'), ['-p', project, '--pretty', 'false'], {
    encoding: 'utf8',
  });
  assert.equal(compiled.stdout, '');

  const made = (await import(pathToFileURL(out).href)) as {
    paymentService(
      client: ServiceClient<'payment:charge'>,
    ): Readonly<Record<string, (input?: object) => Promise<unknown>>>;
  };
  await using service = await startCalledService({ answer: () => ({ body: { receipt_id: 'r1', state: 'done' } }) });
  const client = serviceClient({
    target: service.url,
    credentials: staticToken('abc', ['payment:charge']),
    development: true,
  });
  const payments = made.paymentService(client);
  const body = { order_id: '42', amount_cents: 1999 };
  assert.equal(
    JSON.stringify(await payments['charge']?.({ body, idempotencyKey: 'k' })),
    '{"receipt_id":"r1","state":"done"}',
  );
  const [call] = service.calls;
  assert.deepEqual(
    [call?.method, call?.target, call?.body, call?.headers['idempotency-key']],
    ['POST', '/charge', JSON.stringify(body), '"k"'],
  );
  await assert.rejects(payments['refund']?.({ body }) ?? Promise.resolve(), /needs payment:refund/);
  for (const wrong of [
    { state: 'done' },
    { receipt_id: 7 },
    { receipt_id: 'r', state: 'other' },
    [],
    { receipt_id: 'r', parent: { receipt_id: 7 } },
  ]) {
    service.answer = () => ({ body: wrong });
    await assert.rejects(payments['charge']?.({ body }) ?? Promise.resolve(), {
      code: 'bad_upstream_response',
      message: /is not what was agreed/,
    });
  }
  await client.close();
});

test('a policy limits a client to what it lets the caller do', () => {
  const policy = path.join(ROOT, 'examples/three-zones/policies/dataservice.rego');
  const api = (name: string, scope: string) => ({ operationId: name, security: [{ oauth: [scope] }], responses: {} });
  const file = written('data-service.yaml', {
    openapi: '3.0.3',
    paths: {
      '/inventory/{id}': { get: api('readInventory', 'read-inventory') },
      '/orders': { post: api('writeOrder', 'write-orders'), get: api('readOrders', 'read-orders') },
      '/payments': { post: api('writePayment', 'write-payments') },
    },
  });
  const out = path.join(folder, 'data-client.ts');
  const limits = ['--permissions', policy, '--rule', 'data.dataservice.service_permissions'];
  for (const [caller, names] of [
    ['order-service', ['readInventory', 'readOrders', 'writeOrder']],
    ['payment-service', ['readOrders', 'writePayment']],
  ] as const) {
    const answer = generate(file, '--out', out, '--json', ...limits, '--caller', caller);
    assert.equal(answer.status, 0, answer.stderr);
    const { operations } = JSON.parse(answer.stdout) as { readonly operations: readonly { readonly name: string }[] };
    assert.deepEqual(
      operations.map(({ name }) => name),
      names,
    );
    assert.match(readFileSync(out, 'utf8'), new RegExp(`limited to what ${caller} may do`));
  }
  assert.equal(generate(file, '--out', out, ...limits, '--caller', 'report-service').status, 78);
});
