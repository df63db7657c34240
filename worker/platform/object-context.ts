import type { Actor, Context, Services } from './context.ts';

/** The context of what an object does on its own: no request caused it. */
export function objectContext(services: Services, where: { tenantId: string; shard: string }, actor: Actor): Omit<Context, 'tenant'> {
  return { ...services, request: null, actor, db: services.tenantDb(where.shard, where.tenantId) };
}
