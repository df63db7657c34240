/** One JSON line per fact. Callers pass ids and codes, never credentials or bodies. */
export function log(level: 'info' | 'warn' | 'error', message: string, facts: Record<string, unknown> = {}): void {
  // eslint-disable-next-line no-console -- the platform collects the console
  console[level](JSON.stringify({ level, message, ...facts }));
}
