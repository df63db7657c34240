import { vi } from 'vitest';

/** Stands for `$app/navigation` and `$app/state`: records where pages want to go. */
export const goto = vi.fn(async (_href: string) => undefined);
export const replaceState = vi.fn();
export const beforeNavigate = vi.fn();
export const page = { url: new URL('http://localhost/'), params: {} as Record<string, string>, status: 200, error: null };
