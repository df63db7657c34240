import { z } from 'zod';

/** What somebody calls the ports of a workspace, and whether new ones are told of. */
export const portMemory = z.object({
  names: z.record(z.string().regex(/^\d{1,5}$/), z.string().max(40)),
  muted: z.boolean(),
});
export type PortMemory = z.infer<typeof portMemory>;

export const NO_PORTS: PortMemory = { names: {}, muted: false };
