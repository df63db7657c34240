import * as audit from '#lib/api/audit.ts';
import { asProblem, type ApiProblem } from '#lib/api/problem.ts';
import { checkGrowth, checkNote, isoNow, keepSeen, seenOf, verifiersOf, type Check, type Seen } from './integrity.ts';

const parts = (key: string) => {
  const [name = '', id = ''] = key.split('+');
  return { name, id };
};
/** "gatehouse.example/audit/tnt_… + 5b0c9f2e" in short: the part that tells keys apart */
export const keyId = (verifierKey: string): string => parts(verifierKey).id;

/** The newest checkpoint, fetched and checked here: its signature, its keys, and that the log only grew since this browser came last. */
export class LogChecking {
  busy = $state(false);
  problem = $state.raw<ApiProblem | null>(null);
  checks = $state.raw<Check[] | null>(null);
  /** what this browser had seen before this check */
  before = $state.raw<Seen | null>(null);
  checkedAt = $state<string | null>(null);

  get ok(): boolean {
    return this.checks?.every(({ ok }) => ok) ?? false;
  }

  async run(now: () => string = isoNow): Promise<void> {
    this.busy = true;
    this.problem = null;
    try {
      await this.#check(now());
    } catch (thrown) {
      this.problem = asProblem(thrown);
    } finally {
      this.busy = false;
    }
  }

  async #check(at: string): Promise<void> {
    const [first, listed] = await Promise.all([audit.checkpoint(), audit.keys()]);
    const keys = listed.map(({ verifierKey }) => verifierKey);
    const verifiers = await verifiersOf(keys);
    const seen = seenOf(first.origin);
    // Both ends of the proof in one answer: the log goes on growing in between.
    const grown = seen !== null && seen.size > 0 && seen.size <= first.size ? await audit.consistency({ first: seen.size }) : null;
    const now = grown?.checkpoint ?? first;
    const { checkpoint, check } = await checkNote(now, verifiers);
    const checks = [check, keysAre(keys, seen)];
    if (seen === null)
      checks.push({
        what: 'Seen before',
        ok: true,
        says: 'This browser sees this log for the first time. From now on it notices when the log is rewritten.',
      });
    else if (checkpoint !== null) checks.push(checkGrowth(seen, checkpoint, grown?.proof ?? []));
    this.checks = checks;
    this.before = seen;
    this.checkedAt = at;
    if (checkpoint !== null && checks.every(({ ok }) => ok))
      keepSeen(now.origin, { size: now.size, root: now.root, note: now.note, at, keys });
  }
}

function keysAre(keys: readonly string[], seen: Seen | null): Check {
  const what = 'Keys';
  const [current] = keys;
  if (current === undefined) return { what, ok: false, says: 'The service names no key.' };
  if (seen === null)
    return { what, ok: true, says: `Signed by ${keyId(current)}. Compare it with the one that you were given in another way.` };
  const gone = seen.keys.filter((key) => !keys.includes(key));
  const fresh = keys.filter((key) => !seen.keys.includes(key));
  if (gone.length > 0)
    return { what, ok: false, says: `A key that this browser knew is not named any more: ${gone.map(keyId).join(', ')}.` };
  if (fresh.length > 0)
    return {
      what,
      ok: true,
      says: `There is a new key since: ${fresh.map(keyId).join(', ')}. Whoever runs Gatehouse can say why it was changed.`,
    };
  return { what, ok: true, says: `Signed by ${keyId(current)}, as when this browser came last.` };
}
