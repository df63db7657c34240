import { checkpointLine } from '@gatehouse/core/audit/proof-lines.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { LedgerPort } from '../platform/context.ts';
import type { TreeRefusal } from '../platform/objects.ts';

const RETRY_SECONDS = 30;

type Ledger = ReturnType<LedgerPort['open']>;

/** Text of one page of an export, from lines of the archive in order of `seq`. */
export type Vouching = (lines: readonly string[]) => Promise<string>;

/**
 * Puts between the lines of an export what vouches for them, for `verify-audit`. The whole log, or all of it from some event
 * on: a block for each page. Chosen events: one checkpoint, and behind each event its own proof.
 * @param size events that the export can hold
 */
export async function vouching(ledger: Ledger, chosen: boolean, size: number): Promise<Vouching> {
  const { note } = proven(await ledger.checkpoint(size));
  if (!chosen) return (lines) => asBlock(ledger, lines);
  let begun = false;
  return async (lines) => {
    if (lines.length === 0) return '';
    const proofs = proven(await ledger.inclusionLines(lines.map(seqOf), size));
    const proved = lines.map((line, index) => `${line}\n${proofs[index] ?? ''}`).join('');
    const header = begun ? '' : checkpointLine(note);
    begun = true;
    return header + proved;
  };
}

async function asBlock(ledger: Ledger, lines: readonly string[]): Promise<string> {
  const [first, last] = [lines[0], lines.at(-1)];
  if (first === undefined || last === undefined) return '';
  const { ndjson } = proven(await ledger.proofBlock(seqOf(first), seqOf(last)));
  return `${ndjson}${lines.join('\n')}\n`;
}

/** Lines begin with the number, or with the event's id and number behind the salt: no need to read all of it. */
export const seqOf = (line: string): number => Number(/"seq":(\d+)/.exec(line)?.[1] ?? 0);

/** @throws AppError `not-found` beyond the log's end, `unavailable` while a log of a former version makes its tree */
export function proven<T extends object>(answer: T | TreeRefusal): T {
  if (!('refused' in answer)) return answer;
  if (answer.refused === 'beyond') throw new AppError('not-found', `The log has ${answer.size} events`);
  throw new AppError('unavailable', 'The tree of this log is still being made', { retryAfter: RETRY_SECONDS });
}
