/** The twelve services that hold data of tenants, and what each of them holds. */

export interface TenantServiceSpec {
  /** As in `/api/v1/<name>/tenant/<id>`. */
  readonly name: string;
  /** What it calls itself in tokens and logs. */
  readonly service: string;
  /** Rows of one tenant, table by table. */
  readonly rows: Readonly<Record<string, number>>;
}

const spec = (name: string, rows: TenantServiceSpec['rows']): TenantServiceSpec => ({
  name,
  service: `${name}-service`,
  rows,
});

export const SERVICES: readonly TenantServiceSpec[] = [
  spec('orders', { orders: 120, order_items: 431 }),
  spec('inventory', { stock_levels: 88, stock_movements: 905 }),
  spec('recipes', { recipes: 34, ingredients: 210 }),
  spec('sales', { sales: 2_310 }),
  spec('production', { batches: 64, schedules: 12 }),
  spec('suppliers', { suppliers: 17, purchase_orders: 53 }),
  spec('pos', { terminals: 4, transactions: 3_877 }),
  spec('external', { weather_readings: 365, traffic_readings: 365 }),
  spec('forecasting', { forecasts: 730 }),
  spec('training', { models: 9, training_runs: 41 }),
  spec('alert-processor', { alerts: 76 }),
  spec('notification', { notifications: 512, templates: 8 }),
];

export const ORCHESTRATOR = 'tenant-deletion-orchestrator';
