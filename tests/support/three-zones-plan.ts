/** The certificates of the three zones, as pure data: what tests of issuing and verifying start from. */
import type { PkiPlan, PlannedService } from '../../packages/sidegate/src/authority/ca/plan.ts';

const DAY_MS = 86_400_000;

export function threeZonesPlan(changes: Partial<PkiPlan> = {}): PkiPlan {
  return {
    organization: 'MyOrg',
    trustDomain: 'example.org',
    keyAlgorithm: 'P-256',
    validForMs: 365 * DAY_MS,
    zones: ['zone1', 'zone2', 'zone3'],
    services: [
      service('gateway', 'api-gateway', 'zone1', ['zone2']),
      service('order-service', 'order-service', 'zone2', ['zone3']),
      service('payment-service', 'payment-service', 'zone2', ['zone3']),
      service('data-service', 'data-service', 'zone3', []),
    ],
    extraAuthorities: [{ name: 'keycloak', hosts: ['keycloak.example.com'], addresses: ['127.0.0.10'] }],
    ...changes,
  };
}

function service(directory: string, name: string, zone: string, callsZones: readonly string[]): PlannedService {
  return { directory, name, zone, hosts: [`${name}.${zone}.local`], addresses: ['127.0.1.1'], callsZones };
}
