import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { idSchema } from '@gatehouse/core/ids.ts';
import { decodeManifest, encodeManifest, SNAPSHOT_CAUSES, type ManifestEntry } from '@gatehouse/core/protocol/snapshot.ts';
import { z } from 'zod';
import { writeAtomically } from '../state/atomic-file.ts';

const notes = z.object({
  /** one that was begun; it is gone on with after the runner was killed */
  pending: z.object({ id: idSchema('snapshot'), cause: z.enum(SNAPSHOT_CAUSES) }).nullable(),
  /** the last that is stored, or that the home was restored from */
  last: z.object({ id: idSchema('snapshot'), at: z.number() }).nullable(),
  /** number of the last wish to restore that was fulfilled */
  restored: z.number().int(),
});
/** What a runner remembers of the snapshots of one workspace, beside its home. */
export type Notes = z.infer<typeof notes>;

const pathOf = (folder: string) => join(folder, 'snapshots.json');
const manifestOf = (folder: string) => join(folder, 'snapshot.manifest');

export function loadNotes(folder: string): Notes {
  try {
    return notes.parse(JSON.parse(readFileSync(pathOf(folder), 'utf8')));
  } catch {
    return { pending: null, last: null, restored: 0 };
  }
}

/** Nothing where the workspace's folder is gone. */
export function saveNotes(folder: string, now: Notes): void {
  if (existsSync(folder)) writeAtomically(pathOf(folder), JSON.stringify(now));
}

/** The chunks of the last snapshot; null: none, or nobody can say. */
export function loadManifest(folder: string): ManifestEntry[] | null {
  try {
    return decodeManifest(Buffer.from(readFileSync(manifestOf(folder), 'utf8'), 'base64'));
  } catch {
    return null;
  }
}

export function saveManifest(folder: string, manifest: readonly ManifestEntry[] | null): void {
  if (manifest === null) rmSync(manifestOf(folder), { force: true });
  else if (existsSync(folder)) writeAtomically(manifestOf(folder), Buffer.from(encodeManifest(manifest)).toString('base64'));
}
