import { readFileSync } from 'node:fs';
import https from 'node:https';
import { connect } from 'node:http2';
import tls from 'node:tls';
import axios from 'axios';
import { Agent, Pool } from 'undici';

const identity = {
  cert: readFileSync('/etc/tls/tls.crt'),
  key: readFileSync('/etc/tls/tls.key'),
  ca: readFileSync('/etc/tls/ca.crt'),
};

const inventory = new Pool('https://inventory-service:8443', { connections: 8, connect: { ...identity } });
const agent = new https.Agent({ ...identity, keepAlive: true, maxSockets: 16 });
const pricing = axios.create({ baseURL: 'https://pricing-service', httpsAgent: agent, timeout: 2_000 });
const dispatcher = new Agent({ connect: identity });

export async function availability(sku: string): Promise<unknown> {
  const { body } = await inventory.request({ path: `/items/${sku}`, method: 'GET' });
  return body.json();
}

export const price = (sku: string) => pricing.get(`/prices/${sku}`);

export const label = (sku: string) => fetch(`https://labels.internal/${sku}`, { dispatcher } as RequestInit);

export function ledger(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    https.get({ host: 'ledger-service', path, ...identity }, (res) => resolve(res.statusCode ?? 0)).on('error', reject);
  });
}

export const events = connect('https://events.internal', {
  ...identity,
  checkServerIdentity: (host, certificate) => {
    const names = certificate.subjectaltname ?? '';
    return names.includes('URI:spiffe://example.org/events') ? undefined : tls.checkServerIdentity(host, certificate);
  },
});
events.request({ ':path': '/stream' });
