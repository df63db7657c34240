/** @param options.deliver sends logout tokens to their clients, too */
export function startOidcProvider(options?: {
  port?: number;
  host?: string;
  deliver?: boolean;
}): Promise<{ url: string; close(): Promise<unknown> }>;
