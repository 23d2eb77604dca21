/** Bundles that OPA 1.22.2 built and signed, byte for byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODE_HOST } from '../evaluate/node-host.ts';
import { toPlainJson } from '../value/json.ts';
import { readBundle } from './read-bundle.ts';

const PUBLIC_KEY = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0fRvA3FkOCnVmfFjGhsjtn39eyfn
wybxykRRfG4rxmekpziAODCrskrZmn6V0h9Iq5ZkWRb/dk6PCv4raExe1w==
-----END PUBLIC KEY-----
`;

/** `opa build --signing-alg ES256` of a policy, data in a folder and a manifest with two roots. */
const BUILT = [
  'H4sIAAAAAAAA/+yXwW6jOhSGu+YpkNed1EBo2khdpCVkTIu5JDSOPRpVhJAExw65QNpA1Xe/IqlUTWdRXY3SUSW+BQZkOL8l/8fnnM3CImzxPF2fHA0I',
  'ITyHcD/C30cIDePtvn6vadBsn6jweJLe2OZFmJ3AP471fnFfhGewzeMsB91nEM5ksgZdEMpQgJcX5W9La/gEztJsFmeHayuLF+kRYnzkf03rvPO/bpid',
  'xv+fwSaMVuEiVvcbQFFm8TzcikINhUif1O6VOg9FHivK4TmZq8l6sy1adc5Qr67U/eGxTyCtffZocsZX46yVJ4t1WGyzOD9WGfCB/zVD0977vw3Nxv+f',
  'wbOigrcdALrqD0VVQVw6y+kgSrzEse8rpOEE5UgWG3aDzpEcCiZtbfrdT+5uHBhPevW827HmJ3O/FZeODMlORCU6J0aeTKVdsFH92WXJBuPyTn8d145g',
  '+kX9i5ROcIp4mngDZNLgeomDlUl1W3iEJZT3nnAQVdhCJgtQiXmkM+LvvCDSXTkWHvHbrrw3aYBMt7qWtEIG46sdtmYJDlzjIN3OmX5ZhpNhOq21CIz8',
  'ESxxQJP5aNdB0lxOyX29jBWdDJd3clNN9fYv2mgQ7TBxdVcyWcdjA1RhiTnmi5Jxh2PurNygZ2A+lJ5F21SOl7S65t7AXroDqmF9KCh3OCO0osQvaTVc',
  '0fL/aEPbKbG3IWEiMvxftLnS4R5Bumf1255lc7dyd24wW3qBLbDVK90qqvBB29LV+zsq+yUNViUj9Qp6hmv1TKpT6BFbMum3qd6v8OgDbWNYbwkRE7Gq',
  'NbDBWNLJOJ/dOJctfeLy/iSdf4eZsS0yxxaIXK5kZ2RPjVn722SE73bl/OLRf7pdW47o9DOGHfnvxUM4J9nEuni8NYklrntjthh6krNI/PON+UBRf54q',
  'KtiI7aKuVFXw8HpeAeXlbxvpi3LWkuE6mcd5cbwYH/Z/HfO3/u+8yf+fwjPI4sckT9K688s0cAqyNC1y0P0B9iUhOH1tEH+egro9eHiMs8NsrekQGxoa',
  'Gr4w/wUAAP//fLAhzQAWAAA=',
].join('');

/** `opa sign --signing-alg ES256`, then tar: numbers, texts and keys that are written in many ways. */
const SIGNED = [
  'H4sIAAAAAAACA+2Yy27jNhSGs/ZTCFx0pXFIyrJjoyng+KLKiGTEli2T9SCQJdmSrItHlyTSIEAfo7uiy75Dd32g9hFKuQU6yXTQdhFPp8NvIYr0MXV4',
  'fh0f0rNRf6iNmpFz9nJARrvVOraM5y2E6J3743gHydKZAM9OQJHlVioIZ58pqWs5QuQ2zjifJc3Iiv2tm+UfM/876Hn+ywjz/D8FbwWQJkmeAaEnfAOS',
  '1HFT8FoUQJJ77I6NoSas+6l752d+EoMeSDEQHvkPxv+Do+LnL/uMY4rL8ofz/737DsTwTJB5/p9If8d1D+f/Jf07ksz1P7H+jpVbzSBL4lPXf4lt9p/o',
  'j5Dc4vX/NPUfVG6agN4rKIIt6NXlXkQjWUTuq44Im8hFIoJ/jYiaMhQF5GJm47bYwCtYbxZAxjYJ6wJDfLEu6tNdfe1s15v19suvvliD9Xp9/vOPv37/',
  '3bfrwrmQHHZ1IQQiqO3cLughEVSg9/ZRBBbziE3Idh1xEYYiyEEvTwtXBL/89MPRrp4F9LAInOJwHDi2rH97e0iTPLm9ZROBB/bR4yMv9h/M/+O1mbq7',
  '5GPs/xHqPM//+i8Bnv8n4GDZe2vnCsc3oNFw3K1VhLlghWFyL/Quha0VZm6j8Xvf3wp+fCjyZpG5qXB5KRxLRt3JmpYT+TE/FXxy5//M38VWXqRu9iK1',
  '/x/kP2rJ7+e/jHj+n6T+NwTw5ytQH/gbggDccuJtFNuf+pPxolKR7quZGs9ke6C21f1htRxMuk1mFFnmQ2iXatuUMn8TjXM6Zwa+nBNTPtBoWTkD9sXI',
  '82y8Y5Opkq4QmUaqTMzxXq9UTCobaspsT4JxpFXLiCqqrBmLUqu0lh4RTINFSaPRvV5pko5vWjSiIal2kh7sy6nB5jN2perf+8R8iDfS5OAoXq4Gib+A',
  '3tW1UTs+6V5//Y5v4WR8s5jps7mc06e+Yd3UQ204Zk/VKmqoJTXsFglIpQ9HMjXJPQ1u4NTQfW24R8xnj5iaRPAynBp2pQWhrw/VFg2WATHpXqv2iOCZ',
  '9698i7olVZblNZ6FdNW/o8oYkrn8xsbdop7HUsaVVQsQEaQbnj816ufMIhowPyqtpAHzcegEWsViOeyzuC1KEt2UGvORBDTQMVufQR6mQxvrBos7njEN',
  '7IqazEbR/OtBLbpzZ0chtBRYi2/MR6NcCxZYjWHG9C6IicJ6DWw9e7pS7/5oCztaxpvySTxZ7EJPU0ZoaoQsJgum+4TFro+YlpDFK9QCFvOKhpTFV69I',
  'SWub4Y7FnX0v2FeawlYWONHUGEEdq0irbPx38VytYNNoK34+aLWHiaNHxrzdDi+0gqZ93AoyqbA85Rpb283gKs531n3avZ1LXj668q4Gtj5QD3szbO/K',
  'cJvObuRCJUaxfDisxt0+aAivG3wPyeFwOBwOh8PhcDicT5PfAET4rCsAKAAA',
].join('');

function read(base64: string, keyId?: string) {
  const keys = { default: { key: PUBLIC_KEY, algorithm: 'ES256' } } as const;
  const verification = keyId === undefined ? { keys } : { keys, keyId };
  const result = readBundle(Buffer.from(base64, 'base64'), { host: NODE_HOST, verification });
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.diagnostics));
  return result.bundle;
}

test('a bundle of opa build', () => {
  const { modules, data, manifest } = read(BUILT);
  assert.deepEqual(
    modules.map(({ file, version }) => [file, version]),
    [['order/order.rego', 'v1']],
  );
  assert.equal(toPlainJson(data), '{"users":{"admin":"amal"}}');
  assert.deepEqual([manifest.revision, manifest.roots], ['r1', [['order'], ['users']]]);
});

test('a bundle of opa sign names no key, and hashes documents by their values', () => {
  const { manifest, ignored } = read(SIGNED, 'default');
  assert.equal(manifest.revision, 'r2');
  assert.deepEqual(
    ignored.map(({ file }) => file),
    ['README.md'],
  );
});
