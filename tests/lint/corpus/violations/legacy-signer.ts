import crypto = require('node:crypto');
import http = require('node:http');
import fs = require('node:fs');

const SECRETS: Record<string, string> = {
  'service-a': 'unused',
};

const sharedSecret = 'a-very-shared-secret'; // finds: no-hardcoded-client-secret

export function sign(body: string, timestamp: number): string {
  return crypto.createHmac('sha256', sharedSecret).update(`${timestamp}.${body}`).digest('hex');
}

export function post(path: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const timestamp = Math.floor(Date.now() / 1000);
    const req = http.request(
      {
        hostname: 'ledger-service',
        port: 8080,
        path,
        method: 'POST',
        headers: { 'x-service': 'service-a', 'x-timestamp': String(timestamp), 'x-signature': sign(body, timestamp) },
      },
      (res) => resolve(res.statusCode ?? 0),
    );
    req.on('error', reject);
    req.end(body);
  });
}

export function read(path: string, done: (status: number) => void): void {
  http.get({ hostname: 'ledger-service', port: 8080, path }, (res) => done(res.statusCode ?? 0)); // finds: no-anonymous-service-call
}

export const known = () => Object.keys(SECRETS).concat(fs.readdirSync('/etc/services.d'));
