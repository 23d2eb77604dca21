/** The services of the tenant-deletion platform: who may have a service token unless the settings list others. */
export const KNOWN_SERVICES: readonly string[] = Object.freeze([
  'tenant-deletion-orchestrator',
  'auth-service',
  'tenant-service',
  'orders-service',
  'inventory-service',
  'recipes-service',
  'sales-service',
  'production-service',
  'suppliers-service',
  'pos-service',
  'external-service',
  'forecasting-service',
  'training-service',
  'alert-processor-service',
  'notification-service',
]);
