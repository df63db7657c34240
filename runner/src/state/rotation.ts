import { existsSync, readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { rotationText, runnerRotation, type RunnerRotation } from '@gatehouse/core/protocol/runner-rotation.ts';
import { Failure } from '../failure.ts';
import { writeAtomically } from './atomic-file.ts';
import type { StateFolder } from './folder.ts';
import { makeKeys, saveKeys, type RunnerKeys } from './keys.ts';

/**
 * A change of keys as it lies on disk until it is settled. It is written before the platform is asked, and removed after the new keys
 * are in place: whenever the runner is killed in between, what is here is said again, and the platform answers the same.
 */
const stored = z.object({ rotation: runnerRotation, pems: z.object({ identity: z.string(), agreement: z.string() }) });
export type PendingRotation = z.infer<typeof stored>;

export function pendingRotation(folder: StateFolder): PendingRotation | null {
  if (!existsSync(folder.rotation)) return null;
  try {
    return stored.parse(JSON.parse(readFileSync(folder.rotation, 'utf8')));
  } catch {
    throw new Failure(`${folder.rotation} can’t be read. Restore it, or enrol again with --force.`);
  }
}

/** Makes new keys and the statement of both pairs, and stores them before anybody is told. */
export function beginRotation(folder: StateFolder, runnerId: string, keys: RunnerKeys): PendingRotation {
  const { keys: made, pems } = makeKeys();
  const publicOf = ({ identityKey, agreementKey }: RunnerKeys) => ({ identityKey, agreementKey });
  const [old, next] = [publicOf(keys), publicOf(made)];
  const text = rotationText(runnerId, old, next);
  const rotation: RunnerRotation = { old, next, oldSignature: keys.sign(text), newSignature: made.sign(text) };
  const pending = { rotation, pems };
  writeAtomically(folder.rotation, JSON.stringify(pending));
  return pending;
}

/** The platform took it: the new keys are the runner's. */
export function finishRotation(folder: StateFolder, { pems }: PendingRotation): void {
  saveKeys(folder, pems);
  rmSync(folder.rotation);
}

/** The platform refused it: the keys stay as they are. */
export const dropRotation = (folder: StateFolder): void => rmSync(folder.rotation, { force: true });
