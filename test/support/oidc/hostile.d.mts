export function startHostileProvider(options?: { port?: number; host?: string }): Promise<{ url: string; close(): Promise<unknown> }>;
