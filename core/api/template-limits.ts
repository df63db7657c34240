import { z } from 'zod';

const amount = (least: number, most: number) =>
  z.number().int('must be a whole number').min(least, `must be at least ${least}`).max(most, `must be at most ${most}`);

/** What one workspace may use of its runner's machine. Null bounds nothing: it shares what the machine has with the others. */
export const templateLimits = z.object({
  /** processors, also parts of one */
  cpus: z.number().min(0.1, 'must be at least 0.1').max(256, 'must be at most 256').nullable().default(null),
  /** memory, files in /tmp included, in MiB */
  memoryMb: amount(256, 4_194_304).nullable().default(null),
  /** processes and threads at once */
  processes: amount(64, 65_536).default(4096),
  /** size of the home, in MiB */
  diskMb: amount(64, 16_777_216).nullable().default(null),
});
export type TemplateLimits = z.infer<typeof templateLimits>;

/** What a new template is offered in the editor. */
export const USUAL_LIMITS: TemplateLimits = { cpus: 2, memoryMb: 4096, processes: 4096, diskMb: 10_240 };
