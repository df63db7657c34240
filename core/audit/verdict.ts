/** What is wrong with the first event that is not as it was recorded. */
export type FaultKind = 'altered' | 'malformed' | 'missing' | 'moved' | 'duplicate' | 'inserted' | 'unproven' | 'checkpoint';

export interface Fault {
  kind: FaultKind;
  /** number of the event; null where it is a checkpoint that is wrong */
  seq: number | null;
  message: string;
  file: string | null;
  line: number | null;
}

export interface Verdict {
  ok: boolean;
  /** name of the log; null when no checkpoint was believed */
  origin: string | null;
  /** `log`: without gaps from the first event to the last; `selection`: each event by itself, what is between them is not said */
  kind: 'log' | 'selection';
  first: number | null;
  last: number | null;
  events: number;
  /** events whose contents were erased; the numbers of the first of them */
  erased: { count: number; seqs: number[] };
  /** size of the newest believed checkpoint that the events lead to */
  provenTo: number;
  /** checkpoints that none of the given keys signed: they vouch for nothing */
  unrecognised: number;
  fault: Fault | null;
}
