export function startHecDouble(options?: {
  port?: number;
  host?: string;
  tokens?: string[];
}): Promise<{ url: string; close(): Promise<unknown> }>;
