/** inventory-service by mutual TLS alone: who calls is what the certificate says. */
import type { JsonValue } from '@sidegate/sdk';
import { identityFromFiles, serviceClient } from '@sidegate/sdk/client';

export interface InventoryCaller {
  readonly callInventoryService: (path: string) => Promise<JsonValue>;
  readonly close: () => Promise<void>;
}

/** @param certs folder of `order-service-cert.pem`, `order-service-key.pem` and `ca-cert.pem`, read again when they change */
export function inventoryByMtls(
  certs: string = '/etc/certs',
  target: string = 'https://inventory-service:443',
): InventoryCaller {
  const identity = identityFromFiles({
    cert: `${certs}/order-service-cert.pem`,
    key: `${certs}/order-service-key.pem`,
    ca: `${certs}/ca-cert.pem`,
  });
  const { json, close } = serviceClient({ target, identity });
  return { callInventoryService: (path) => json(path), close };
}
