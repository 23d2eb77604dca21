import crypto = require('node:crypto');
import http = require('node:http');

const secretOf = (service: string): string => {
  const value = process.env[`SHARED_SECRET_${service.toUpperCase().replaceAll('-', '_')}`];
  if (!value) throw new Error(`no shared secret for ${service}`);
  return value;
};

function signatureHeaders(service: string, body: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = crypto.createHmac('sha256', secretOf(service)).update(`${timestamp}.${body}`).digest('hex');
  return { 'X-Service': service, 'X-Timestamp': timestamp, 'X-Signature': signature };
}

export function post(path: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = signatureHeaders('service-a', body);
    const req = http.request({ hostname: 'ledger-service', port: 8080, path, method: 'POST', headers }, (res) =>
      resolve(res.statusCode ?? 0),
    );
    req.on('error', reject);
    req.end(body);
  });
}

export function read(path: string): http.ClientRequest {
  const req = http.get({ hostname: 'ledger-service', port: 8080, path });
  for (const [name, value] of Object.entries(signatureHeaders('service-a', ''))) req.setHeader(name, value);
  return req;
}
