/** What an answer of the benchmark's Worker says that it cost of D1. */
export const SPENT_HEADER = 'Bench-Spent';

export interface Spent {
  trips: number;
  rowsRead: number;
  rowsWritten: number;
}

/** null: of a system that has no D1 */
export function spentOf(headers: Headers): Spent | null {
  const said = headers.get(SPENT_HEADER);
  return said === null ? null : (JSON.parse(said) as Spent);
}
