import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { MOST_SLICE_BYTES } from '../protocol/recording.ts';
import { listOf, page, text, time } from './common.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex');
const publicKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url');

/** What a runner says of a recording; the same again changes nothing. */
export const recordingPut = z.object({
  workspaceId: idSchema('workspace'),
  terminalId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be the id of a terminal'),
  title: text(80),
  keyId: idSchema('recordingKey'),
  startedAt: time,
  /** null: it goes on; `hash` is that of the last slice */
  end: z.object({ at: time, slices: z.number().int().min(0), hash: sha256.nullable() }).nullable(),
});

/** A slice as it lies in the runner's spool. */
export const slicePut = z.object({
  bytes: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'must be base64url')
    .max(Math.ceil((MOST_SLICE_BYTES * 4) / 3)),
  hash: sha256,
});

/** `managed`: the service holds the private half, sealed; `held`: only the organisation does */
export const KEY_KINDS = ['managed', 'held'] as const;

export const recording = z.object({
  id: idSchema('recording'),
  title: z.string(),
  workspace: z.object({ id: idSchema('workspace'), name: z.string() }),
  template: z.object({ id: idSchema('template'), name: z.string() }),
  person: z.object({ id: idSchema('user'), name: z.string() }),
  startedAt: time,
  endedAt: time.nullable(),
  state: z.enum(['recording', 'finished']),
  key: z.object({ id: z.string(), kind: z.enum(KEY_KINDS), publicKey }),
  slices: z.number().int(),
  bytes: z.number().int(),
  /** of the last slice, which names the one before it, and so on */
  hash: sha256.nullable(),
});
export type Recording = z.infer<typeof recording>;

export const recordingQuery = page.extend({
  person: idSchema('user').optional(),
  workspace: idSchema('workspace').optional(),
  template: idSchema('template').optional(),
  since: time.optional(),
  until: time.optional(),
});
export const recordingList = listOf(recording);

export const recordingWatch = z.object({ purpose: z.enum(['watch', 'export']).default('watch') });

/** A slice for whoever watches: its events (packEvents) where the key is managed, else the sealed bytes; base64url. */
export const recordingSlice = z.object({
  slice: z.number().int(),
  hash: sha256,
  sealed: z.string().nullable(),
  opened: z.string().nullable(),
});

export const recordingSearchQuery = z.object({
  q: text(100, 3),
  limit: z.coerce.number<number | string>().int().min(1).max(50).default(20),
});
export const recordingMatch = z.object({
  recording: recording.pick({ id: true, title: true, workspace: true, person: true, startedAt: true }),
  /** milliseconds since it began */
  at: z.number().int(),
  text: z.string(),
});
export type RecordingMatch = z.infer<typeof recordingMatch>;
/** `held`: recordings that nobody but the holder of their key can search */
export const recordingMatches = z.object({ items: z.array(recordingMatch), held: z.number().int() });

export const recordingSettings = z.object({
  retentionDays: z.number().int(),
  key: z.object({ id: z.string(), kind: z.enum(KEY_KINDS), publicKey, createdAt: time }).nullable(),
});
export type RecordingSettings = z.infer<typeof recordingSettings>;
/** `publicKey`: of a key that the organisation holds, or null for one that the service manages; left out: the key stays */
export const recordingSettingsPut = z.object({
  retentionDays: z.number().int().min(1, 'must be at least 1').max(3650, 'must be at most 3650'),
  publicKey: publicKey.nullable().optional(),
});
