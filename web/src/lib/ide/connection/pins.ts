import type { Attachment } from '@gatehouse/core/api/workspaces.ts';
import { fingerprintOf } from '@gatehouse/core/protocol/runner-keys.ts';
import { leadsTo } from '@gatehouse/core/protocol/runner-rotation.ts';
import type { Ended, KnownRunner, Pins } from './ports.ts';

export type Recognition = { ok: true; runner: KnownRunner } | { ok: false; ended: Ended };

/** SPEC O6: whether these are the keys that this browser knows of the runner, or those that they were exchanged for. Then these are remembered. */
export async function recognize(runner: Attachment['runner'], pins: Pins): Promise<Recognition> {
  const { id, name } = runner;
  const shown = await fingerprintOf(runner);
  if (shown !== runner.fingerprint) {
    const detail = 'The runner’s keys do not make up the fingerprint that was confirmed for it. Nothing was sent.';
    return { ok: false, ended: { why: 'broken', detail, requestId: null } };
  }
  const remembered = pins.get(id);
  const isChanged = remembered !== null && remembered !== shown;
  if (isChanged && !(await leadsTo(id, remembered, runner, runner.rotations))) {
    const detail = `${name} shows other keys than it did before. Nothing was sent.`;
    return { ok: false, ended: { why: 'runner-changed', detail, requestId: null, change: { id, name, remembered, shown } } };
  }
  if (remembered !== shown) pins.set(id, shown);
  return { ok: true, runner: { name, fingerprint: shown, firstMet: remembered === null } };
}

const PREFIX = 'gatehouse.runner.';

/** Kept in this browser, also when somebody signs out: fingerprints are public. @param scope organisation and person */
export function pinsIn(storage: Storage, scope: string): Pins {
  const key = (runnerId: string): string => `${PREFIX}${scope}.${runnerId}`;
  return {
    get: (runnerId) => storage.getItem(key(runnerId)),
    set: (runnerId, fingerprint) => {
      try {
        storage.setItem(key(runnerId), fingerprint);
      } catch {
        // a full storage has no room for it: the runner is met for the first time once more
      }
    },
  };
}
