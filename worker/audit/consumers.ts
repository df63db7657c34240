import type { Services } from '../platform/context.ts';
import type { Env } from '../platform/env.ts';

export async function consume(_batch: MessageBatch<unknown>, _env: Env, _services: Services): Promise<void> {}
export async function sweepOutbox(_services: Services): Promise<void> {}
