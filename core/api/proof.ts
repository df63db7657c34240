import { z } from 'zod';
import { time } from './common.ts';

const seq = z.coerce.number<number | string>().int().min(1);
const base64 = z.string().describe('base64');

/** A checkpoint of the log: `note` is the signed note (C2SP tlog-checkpoint), the rest says what stands in it. */
export const auditCheckpoint = z.object({
  origin: z.string(),
  size: z.number().int(),
  root: base64,
  note: z.string().describe('signed note: origin, size and root, and who signed them'),
});

export const inclusionQuery = z
  .object({ seq, size: seq.optional().describe('of the tree; left out: all events') })
  .refine(({ seq, size }) => size === undefined || seq <= size, { path: ['size'], message: 'must be at least the event’s number' });
/** An event, and that it is one of those that the checkpoint covers (RFC 6962). */
export const auditInclusion = z.object({
  seq: z.number().int(),
  leafHash: base64,
  proof: z.array(base64),
  checkpoint: auditCheckpoint,
  salt: z.string().nullable().describe('hex; leafHash = SHA-256(0x00 ‖ SHA-256(salt ‖ event))'),
  event: z.string().nullable().describe('the event’s JSON, to the byte as it was hashed; null when its contents are no longer kept'),
  erased: time.nullable().describe('when its contents were erased; its number, its leaf and its place in the tree stay'),
});

export const consistencyQuery = z
  .object({ first: seq, second: seq.optional().describe('left out: all events') })
  .refine(({ first, second }) => second === undefined || first <= second, { path: ['second'], message: 'must not be before the first' });
/** That the first events are the same in both trees (RFC 6962). */
export const auditConsistency = z.object({
  first: z.object({ size: z.number().int(), root: base64 }),
  proof: z.array(base64),
  checkpoint: auditCheckpoint.describe('of the second tree'),
});

/** Whose signatures to believe. `until` null: the current key. A former key may sign beside it for a while. */
export const auditKeys = z.object({
  items: z.array(
    z.object({
      verifierKey: z.string().describe('C2SP signed-note verifier key: name+id+key'),
      since: time,
      firstSize: z.number().int().describe('events in the log when it began to sign'),
      until: time.nullable(),
      signs: z.boolean().describe('checkpoints bear its signature now'),
    }),
  ),
});
