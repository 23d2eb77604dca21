/** Lines to paste into another shell while the lab is up; each uses variables that an earlier one sets. */
import path from 'node:path';
import type { LaunchedLab } from '../lab/launch.ts';
import { clientCertificateOf, issuerOf, type Lab, SIDECAR_PORT } from '../lab/topology.ts';

export function curlLines(lab: Lab, launched: LaunchedLab): string {
  const certificates = path.relative(process.cwd(), path.join(lab.root, 'etc/certs'));
  const [user] = lab.users;
  const password = `$(node -p 'JSON.parse(fs.readFileSync("${path.relative(process.cwd(), path.join(lab.root, 'secrets.json'))}")).${user?.passwordVariable}')`;
  const [gateway, order, payment, data] = lab.services;
  if (gateway === undefined || order === undefined || payment === undefined || data === undefined) return '';
  const dial = (host: string, port: number): string => {
    const to = launched.connectTo.get(`${host}:${port}`);
    return `--connect-to ${host}:${port}:${to?.address}:${to?.port}`;
  };
  const provider = lab.identityProvider.host;
  const ca = (name: string): string => `--cacert ${certificates}/ca/${name}-ca.crt`;
  const url = (host: string, route: string): string => `https://${host}:${SIDECAR_PORT}${route}`;
  const as = (service: Lab['services'][number]): string =>
    `--cert ${certificates}/${clientCertificateOf(service)}.crt --key ${certificates}/${clientCertificateOf(service)}.key`;
  return `
# ${user?.username} signs in
TOKEN=$(curl -s ${ca('keycloak')} ${dial(provider, 443)} ${issuerOf(lab, 'users')}/protocol/openid-connect/token \\
  -d grant_type=password -d client_id=web-app -d username=${user?.username} -d password="${password}" | jq -r .access_token)

# and orders: 201
curl -i ${ca(gateway.zone)} ${dial(gateway.host, SIDECAR_PORT)} ${url(gateway.host, '/api/v1/orders')} \\
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"product_id":"PROD-123","quantity":2}'

# what the app of order-service does: 200
curl -i ${launched.egress.get(order.name)}/data/inventory/PROD-123 -H 'X-User-Context: user-123' -H 'X-Correlation-ID: req-abc'

# the user's token at data-service, without a certificate: the handshake fails
curl -i ${ca(data.zone)} ${dial(data.host, SIDECAR_PORT)} ${url(data.host, '/inventory/PROD-123')} -H "Authorization: Bearer $TOKEN"

# the same with the certificate of payment-service: 401
curl -i ${ca(data.zone)} ${dial(data.host, SIDECAR_PORT)} ${url(data.host, '/inventory/PROD-123')} -H "Authorization: Bearer $TOKEN" \\
  ${as(payment)}

# payment-service writes an order: 403
curl -i ${launched.egress.get(payment.name)}/data/orders -H 'Content-Type: application/json' -d '{"product_id":"PROD-123","quantity":1}'
`;
}
