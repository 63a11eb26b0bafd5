/** Anomalies as the drawer lists them. */
import type { AnomalyRow } from "@/gen/contract";

/** Anomalies by client, in the order in which the clients appear. */
export function byClient(rows: AnomalyRow[]): [AnomalyRow, ...AnomalyRow[]][] {
  const clients = new Map<string, [AnomalyRow, ...AnomalyRow[]]>();
  for (const row of rows) {
    const own = clients.get(row.client_id);
    if (own) own.push(row);
    else clients.set(row.client_id, [row]);
  }
  return [...clients.values()];
}
