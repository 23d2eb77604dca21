/** Lines to paste into another shell while the lab is up: the first block sets what the others use. */
import path from 'node:path';
import type { LaunchedLab } from '../lab/launch.ts';
import { serviceOf } from '../lab/running-lab.ts';
import { clientCertificateOf, IDENTITY_PROVIDER_PORT, issuerOf, type Lab, SIDECAR_PORT } from '../lab/topology.ts';

export interface CurlOptions {
  /** The gateway's configuration has a route to its own app. */
  readonly profile: boolean;
}

export function curlLines(lab: Lab, { connectTo, egress }: LaunchedLab, { profile }: CurlOptions): string {
  const [user] = lab.users;
  const service = (name: string) => serviceOf({ lab }, name);
  const [gateway, payment, data] = [service('api-gateway'), service('payment-service'), service('data-service')];

  const options = (authority: string, host: string, port: number): string => {
    const dialled = connectTo.get(`${host}:${port}`);
    return `--cacert $LAB/etc/certs/ca/${authority}-ca.crt --connect-to ${host}:${port}:${dialled?.address}:${dialled?.port}`;
  };
  const certificate = `$LAB/etc/certs/${clientCertificateOf(payment)}`;
  const password = `\${${user?.passwordVariable}:-$(jq -r .${user?.passwordVariable} $LAB/secrets.json)}`;
  const url = (host: string, route: string): string => `https://${host}:${SIDECAR_PORT}${route}`;
  const json = `-H 'Content-Type: application/json' -d '{"product_id":"PROD-123","quantity":2}'`;
  const ownApp = `
# what the gateway's own app knows of ${user?.username}: 200
curl -i $GATEWAY ${url(gateway.host, '/api/v1/profile')} -H "Authorization: Bearer $TOKEN"
`;
  return `# where everything is
LAB=${path.relative('', lab.root)}
IDP="${options('keycloak', lab.identityProvider.host, IDENTITY_PROVIDER_PORT)}"
GATEWAY="${options(gateway.zone, gateway.host, SIDECAR_PORT)}"
DATA="${options(data.zone, data.host, SIDECAR_PORT)}"

# ${user?.username} signs in
TOKEN=$(curl -s $IDP ${issuerOf(lab, 'users')}/protocol/openid-connect/token \\
  -d grant_type=password -d client_id=web-app -d username=${user?.username} -d "password=${password}" | jq -r .access_token)

# and orders: 201
curl -i $GATEWAY ${url(gateway.host, '/api/v1/orders')} -H "Authorization: Bearer $TOKEN" \\
  ${json}
${profile ? ownApp : ''}
# what the app of order-service does: 200
curl -i ${egress.get('order-service')}/data/inventory/PROD-123 -H 'X-User-Context: user-123' -H 'X-Correlation-ID: req-abc'

# the user's token at data-service, without a certificate: the handshake fails
curl -i $DATA ${url(data.host, '/inventory/PROD-123')} -H "Authorization: Bearer $TOKEN"

# the same with the certificate of payment-service: 401
curl -i $DATA --cert ${certificate}.crt --key ${certificate}.key \\
  ${url(data.host, '/inventory/PROD-123')} -H "Authorization: Bearer $TOKEN"

# payment-service writes an order: 403
curl -i ${egress.get(payment.name)}/data/orders \\
  ${json}
`;
}
