import type { Services } from '../platform/context.ts';

export async function sweepDirectory(_services: Services): Promise<void> {}
