export function startSiemDoubles(options?: { port?: number; host?: string }): Promise<{ url: string; close(): Promise<unknown> }>;
