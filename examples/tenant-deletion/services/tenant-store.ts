/** What one service holds of its tenants: rows, counted table by table. In memory, so that the example needs no database. */

export type RowCounts = Readonly<Record<string, number>>;

export interface TenantStore {
  /** How many rows a deletion would take; nothing is changed. */
  preview(tenantId: string): RowCounts;
  /** Takes them, and says how many they were; a second time there are none, which is no error. */
  delete(tenantId: string): RowCounts;
}

export function createTenantStore(rows: RowCounts, tenants: readonly string[]): TenantStore {
  const none: RowCounts = Object.fromEntries(Object.keys(rows).map((table) => [table, 0]));
  const held = new Map(tenants.map((tenant) => [tenant, rows]));
  const preview = (tenantId: string): RowCounts => held.get(tenantId) ?? none;
  return {
    preview,
    delete(tenantId) {
      const deleted = preview(tenantId);
      held.delete(tenantId);
      return deleted;
    },
  };
}

export const total = (rows: RowCounts): number => Object.values(rows).reduce((sum, count) => sum + count, 0);
