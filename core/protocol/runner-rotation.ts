import { decode } from 'jose/base64url';
import { z } from 'zod';
import { fingerprintOf, type RunnerKeys } from './runner-keys.ts';

/** A change of a runner's keys: the old ones name those that follow, so that whoever knows the old ones can know the new. */

const ED25519 = { name: 'Ed25519' } as const;

const key = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url');
const signature = z.string().regex(/^[A-Za-z0-9_-]{86}$/, 'must be 64 bytes in base64url');
const keys = z.object({ identityKey: key, agreementKey: key });

/** `old` names `next`; both identity keys sign the same words (`rotationText`), so that each is shown to be held. */
export const runnerRotation = z.object({ old: keys, next: keys, oldSignature: signature, newSignature: signature });
export type RunnerRotation = z.infer<typeof runnerRotation>;

/** What is told to browsers: they need to know only that the old key said so. */
export const toldRotation = runnerRotation.omit({ newSignature: true });
export type ToldRotation = z.infer<typeof toldRotation>;

/** What both keys sign. It names the old keys, so it counts only while those are in use, and a repetition changes nothing. */
export const rotationText = (runnerId: string, old: RunnerKeys, next: RunnerKeys): string =>
  ['gatehouse-runner-rotation-v1', runnerId, old.identityKey, old.agreementKey, next.identityKey, next.agreementKey].join('\n');

/** Whether the old identity key signed that. False also where the platform can't check Ed25519: then a person must compare. */
async function isSigned(runnerId: string, { old, next, oldSignature }: ToldRotation): Promise<boolean> {
  try {
    const identity = await crypto.subtle.importKey('raw', Uint8Array.from(decode(old.identityKey)), ED25519, false, ['verify']);
    const text = new TextEncoder().encode(rotationText(runnerId, old, next));
    return await crypto.subtle.verify(ED25519, identity, Uint8Array.from(decode(oldSignature)), text);
  } catch {
    return false;
  }
}

/**
 * Whether signed changes lead from the keys that are remembered to those that are shown.
 * @param remembered a fingerprint @param told in any order
 */
export async function leadsTo(runnerId: string, remembered: string, shown: RunnerKeys, told: readonly ToldRotation[]): Promise<boolean> {
  const target = await fingerprintOf(shown);
  const steps = await Promise.all(
    told.map(async (each) => ({ each, from: await fingerprintOf(each.old), to: await fingerprintOf(each.next) })),
  );
  let at = remembered;
  // No key comes twice: as many steps as there are reach everything that can be reached.
  for (let taken = 0; taken <= steps.length && at !== target; taken += 1) {
    const step = steps.find(({ from }) => from === at);
    if (step === undefined || !(await isSigned(runnerId, step.each))) return false;
    at = step.to;
  }
  return at === target;
}
