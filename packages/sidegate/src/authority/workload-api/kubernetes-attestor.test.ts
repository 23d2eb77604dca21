/** Service-account tokens that say nothing about a pod, and one that does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPushedJwks, createTokenVerifier, type Problem, type ProblemCode } from '@sidegate/sdk';
import { createSigningKey, keySetBytes, mint } from '../../../../../tests/support/tokens.ts';
import { kubernetesAttestor } from './kubernetes-attestor.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const now = 1_790_000_000;
const key = createSigningKey('RS256', 'cluster');
const keys = createPushedJwks();
keys.push(keySetBytes(key.jwk()));
const attest = kubernetesAttestor(
  createTokenVerifier({
    issuers: [{ name: 'cluster', issuer: ISSUER, audiences: ['sidegate-authority'], keys }],
    clock: { now: () => now * 1000, monotonic: () => 0 },
    maxLifetimeSeconds: 86_400,
  }),
);
const bound = {
  namespace: 'production',
  serviceaccount: { name: 'order-service', uid: '0a6d3c1e-0000-4000-8000-000000000001' },
  pod: { name: 'order-service-7d9c-x2x', uid: '0a6d3c1e-0000-4000-8000-000000000002' },
  node: { name: 'node1', uid: '0a6d3c1e-0000-4000-8000-000000000003' },
};
const claims = {
  iss: ISSUER,
  sub: 'system:serviceaccount:production:order-service',
  aud: ['sidegate-authority'],
  iat: now,
  nbf: now,
  exp: now + 3607,
  'kubernetes.io': bound,
};

const token = (changes: object = {}, by = key): string =>
  mint({ ...claims, ...changes }, { key: by, header: { typ: undefined } });

describe('a service-account token is refused', () => {
  const io = (changes: object) => ({ 'kubernetes.io': { ...bound, ...changes } });
  const ROWS: readonly (readonly [title: string, token: string, code: ProblemCode])[] = [
    ['that nobody signed', `${token().split('.').slice(0, 2).join('.')}.AAAA`, 'token_signature_invalid'],
    ['of another cluster', token({}, createSigningKey('RS256', 'other')), 'token_key_not_found'],
    ['of another issuer', token({ iss: 'https://other' }), 'token_issuer_mismatch'],
    ['for the API server', token({ aud: [ISSUER] }), 'token_aud_mismatch'],
    ['that has expired', token({ iat: now - 4000, nbf: now - 4000, exp: now - 400 }), 'token_expired'],
    ['that never expires, as those of a Secret', token({ exp: undefined }), 'token_exp_missing'],
    ['that lives a year', token({ exp: now + 365 * 86_400 }), 'token_lifetime_exceeded'],
    ['without bound claims', token({ 'kubernetes.io': undefined }), 'token_claim_type'],
    ['with a text for bound claims', token({ 'kubernetes.io': 'production' }), 'token_claim_type'],
    ['without namespace', token(io({ namespace: undefined })), 'token_claim_type'],
    ['with a namespace that would be two selectors', token(io({ namespace: 'a:b' })), 'token_claim_type'],
    ['without service account', token(io({ serviceaccount: undefined })), 'token_claim_type'],
    [
      'without the uid of its service account',
      token(io({ serviceaccount: { name: 'order-service' } })),
      'token_claim_type',
    ],
    ['made by hand, for no pod', token(io({ pod: undefined })), 'token_claim_type'],
    ['whose pod has no uid', token(io({ pod: { name: 'a' } })), 'token_claim_type'],
    ['whose subject is another account', token({ sub: 'system:serviceaccount:production:admin' }), 'token_claim_type'],
    [
      'whose subject is of another namespace',
      token({ sub: 'system:serviceaccount:kube-system:order-service' }),
      'token_claim_type',
    ],
  ];
  for (const [title, value, code] of ROWS) {
    test(title, async () => {
      await assert.rejects(attest(value), (error: Problem) => error.code === code || assert.fail(error.code ?? error));
    });
  }
});

test('a projected token names namespace, service account, pod and node', async () => {
  assert.deepEqual(await attest(token()), [
    'k8s:ns:production',
    'k8s:sa:order-service',
    'k8s:pod-name:order-service-7d9c-x2x',
    'k8s:pod-uid:0a6d3c1e-0000-4000-8000-000000000002',
    'k8s:node-name:node1',
  ]);
  const { node: _, ...withoutNode } = bound;
  assert.equal((await attest(token({ 'kubernetes.io': withoutNode }))).length, 4);
});
