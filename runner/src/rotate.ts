import { problem } from '@gatehouse/core/api/common.ts';
import { runnerKeysChanged } from '@gatehouse/core/api/runner-capacity.ts';
import type { RunnerRotation } from '@gatehouse/core/protocol/runner-rotation.ts';
import { Failure, messageOf } from './failure.ts';
import type { RunnerConfig } from './state/config.ts';
import type { StateFolder } from './state/folder.ts';
import { fingerprintOf, loadKeys } from './state/keys.ts';
import { beginRotation, dropRotation, finishRotation, pendingRotation } from './state/rotation.ts';

/** Statuses by which the platform says for good that it does not take it. */
const REFUSED = [401, 403, 404, 409, 410, 422];

/** @returns null when the platform took it, else why it never will. @throws Failure where nobody knows */
async function ask({ url, token }: Pick<RunnerConfig, 'url' | 'token'>, rotation: RunnerRotation): Promise<string | null> {
  let response: Response;
  try {
    response = await fetch(`${url}/api/v1/runner/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(rotation),
      redirect: 'error',
      signal: AbortSignal.timeout(20_000),
    });
  } catch (error) {
    throw new Failure(`${url} does not answer (${messageOf(error)}). The change of keys goes on when it does: run this again`);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok && runnerKeysChanged.safeParse(answer).data?.fingerprint === fingerprintOf(rotation.next)) return null;
  const fault = problem.safeParse(answer);
  // An error page of some proxy on the way is not the platform's word.
  if (fault.success && REFUSED.includes(response.status)) return `${fault.data.title}: ${fault.data.detail}`;
  throw new Failure(`${url} gave no clear answer (${response.status}). The change of keys goes on: run this again`);
}

/**
 * Settles a change of keys that was begun, with the platform's word.
 * @returns null when nothing was begun; else whether the new keys count, and why not
 * @throws Failure while the platform does not say: nothing has changed, and it can be tried again
 */
export async function settleRotation(
  folder: StateFolder,
  config: Pick<RunnerConfig, 'url' | 'token'>,
): Promise<{ changed: true } | { changed: false; why: string } | null> {
  const pending = pendingRotation(folder);
  if (pending === null) return null;
  const why = await ask(config, pending.rotation);
  if (why === null) {
    finishRotation(folder, pending);
    return { changed: true };
  }
  dropRotation(folder);
  return { changed: false, why };
}

/**
 * Gives the runner new keys: made here, signed by both, stored by the platform, then put in place.
 * @returns the new fingerprint
 * @throws Failure when the platform does not take them, or does not answer
 */
export async function rotateKeys(folder: StateFolder, config: Pick<RunnerConfig, 'url' | 'token' | 'runnerId'>): Promise<string> {
  const left = await settleRotation(folder, config);
  // What was begun before is what was asked for now.
  if (left?.changed !== true) {
    beginRotation(folder, config.runnerId, loadKeys(folder));
    const settled = await settleRotation(folder, config);
    if (settled?.changed === false) throw new Failure(`The platform refused the new keys, and the old ones stay. ${settled.why}`);
  }
  return fingerprintOf(loadKeys(folder));
}
