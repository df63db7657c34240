import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { chunkId, MOST_CLAIM, SNAPSHOT_CAUSES } from '../protocol/snapshot.ts';
import { text, time } from './common.ts';

const count = z.number().int().min(0);
/** How many there are, and the first few. */
const names = z.object({ count, names: z.array(text(200)).max(20) });

/** A runner begins one; the same again changes nothing. */
export const snapshotBegin = z.object({ workspaceId: idSchema('workspace'), cause: z.enum(SNAPSHOT_CAUSES) });
export const chunksClaimed = z.object({ chunks: z.array(chunkId).max(MOST_CLAIM, `must be at most ${MOST_CLAIM}`) });
/** Those of them that are not stored. */
export const chunksMissing = z.object({ missing: z.array(chunkId) });

/** What became of it. */
export const snapshotEnd = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('done'),
    /** nothing ran while it was made */
    isExact: z.boolean(),
    files: count,
    /** of the home */
    bytes: count,
    /** different chunks */
    chunks: count,
    /** that were sent, sealed */
    sent: count,
    changed: names,
    leftOut: names,
  }),
  z.object({ outcome: z.literal('failed'), error: text(500) }),
]);

export const SNAPSHOT_STATES = ['asked', 'making', 'done', 'failed'] as const;

export const snapshot = z.object({
  id: idSchema('snapshot'),
  state: z.enum(SNAPSHOT_STATES),
  cause: z.enum(SNAPSHOT_CAUSES),
  /** who asked for it; null: it was made by itself */
  by: z.string().nullable(),
  startedAt: time,
  endedAt: time.nullable(),
  runner: z.object({ id: idSchema('runner'), name: z.string() }),
  isExact: z.boolean(),
  files: count,
  /** of the home */
  bytes: count,
  /** that had to be stored for it */
  sent: count,
  changed: names,
  leftOut: names,
  /** why it failed */
  error: z.string().nullable(),
});
export type Snapshot = z.infer<typeof snapshot>;

export const snapshotList = z.object({
  items: z.array(snapshot),
  /** whether the organisation has said where snapshots go */
  isOn: z.boolean(),
  /** what all of them take in the store, sealed */
  storedBytes: count,
});
export type SnapshotList = z.infer<typeof snapshotList>;

export const workspaceRestore = z.object({ snapshotId: idSchema('snapshot') });
/** `runnerId` left out: the one with the fewest workspaces that can take it */
export const workspaceMove = z.object({ snapshotId: idSchema('snapshot'), runnerId: idSchema('runner').optional() });

const ignored = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(200, 'must have at most 200 characters')
  .regex(/^(?!\/)(?!.*\/$)[^\p{Cc}]+$/u, 'must be a path from the home, without a slash at its ends');

/** A bucket of S3 or of what speaks its language. */
export const snapshotBucket = z.object({
  url: z.url('must be an address').max(300),
  region: z.string().regex(/^[a-z0-9-]{1,40}$/, 'must have small letters, digits and hyphens only'),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket'),
  prefix: z
    .string()
    .regex(/^(?:[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*)?$/, 'must have letters, digits and . _ - / only, without a slash at its ends')
    .max(200, 'must have at most 200 characters')
    .default(''),
  accessKeyId: z.string().regex(/^[\x21-\x7e]{1,128}$/, 'must have no spaces'),
});
export type SnapshotBucket = z.infer<typeof snapshotBucket>;

/** Where snapshots go: nowhere, to the service's own store, or to a bucket of the organisation. */
export const STORE_KINDS = ['off', 'service', 's3'] as const;
export const DEFAULT_IGNORE = ['.cache'];

/** What an organisation may keep in the service's own store. */
export const MOST_SERVICE_BYTES = 100_000_000_000;

const schedule = {
  /** also while a workspace runs, at least so far apart; null: only after it stops */
  everyHours: z.number().int().min(1, 'must be at least 1').max(168, 'must be at most 168').nullable(),
  ignore: z.array(ignored).max(50, 'must be at most 50'),
};
export const snapshotSettings = z.object({
  store: z.enum(STORE_KINDS),
  bucket: snapshotBucket.nullable(),
  ...schedule,
  /** what all snapshots take in the service's own store, and how much they may */
  serviceBytes: count,
  serviceMost: count,
  /** what they take in buckets of the organisation */
  bucketBytes: count,
});
export type SnapshotSettings = z.infer<typeof snapshotSettings>;

/** `secret` is never shown again; left out: the one that is stored stays, if the place does */
export const snapshotSettingsPut = z.object({
  store: z.enum(STORE_KINDS),
  bucket: snapshotBucket.nullable().default(null),
  secret: text(256).optional(),
  ...schedule,
});
export const snapshotStoreTested = z.object({ ok: z.boolean(), message: z.string() });

const DAILY = 7;
const LAST = 3;

/**
 * Which finished snapshots of a workspace stay: the last three, and the newest of each of the last seven days (UTC) that have one.
 * @param finished newest first @returns ids of those that go
 */
export function outlived(finished: readonly { id: string; startedAt: string }[]): string[] {
  const days = new Set<string>();
  return finished.flatMap(({ id, startedAt }, index) => {
    const day = startedAt.slice(0, 10);
    const isNewestOfDay = !days.has(day);
    days.add(day);
    return index < LAST || (isNewestOfDay && days.size <= DAILY) ? [] : [id];
  });
}
