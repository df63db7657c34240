import type { RunnerPolicy } from '@gatehouse/core/protocol/runner-policy.ts';
import { messageOf } from '../failure.ts';
import type { Size } from '../terminals/size.ts';
import type { Recorder } from './recorder.ts';
import type { Tape, TapedTerminal } from './tape.ts';

/** Whether output may be shown; a reason, in words for people, when it may not. */
export type Verdict = { shown: true } | { shown: false; reason: string };
const SHOWN: Verdict = { shown: true };

/** What a terminal asks before it shows anything. */
export interface TerminalTape {
  /** so much of the terminal's output is recorded already, by an earlier runner; 0: nothing */
  readonly recorded: number;
  begin(size: Size): Verdict;
  /** @param end offset behind these bytes */
  output(bytes: Uint8Array, end: number): Verdict;
  resized(size: Size): Verdict;
  end(exit: { code: number | null; signal: string | null }): Verdict;
  /** the recorder of this terminal is not needed any more; what it recorded goes on with the next runner */
  leave(): void;
}

/** For a terminal of which nothing is recorded. */
export const noTape: TerminalTape = {
  recorded: 0,
  begin: () => SHOWN,
  output: () => SHOWN,
  resized: () => SHOWN,
  end: () => SHOWN,
  leave: () => undefined,
};

/** Records one terminal as the policy in force says, from moment to moment. */
export class PolicedTape implements TerminalTape {
  readonly #recorder: Recorder;
  readonly #terminal: TapedTerminal;
  readonly #policy: () => RunnerPolicy | null;
  #tape: Tape | null;
  #size: Size = { cols: 80, rows: 24 };
  #ended = false;
  /** bytes that were shown and could not be recorded, where that is allowed */
  #missed = 0;

  /** @param policy in force; null: it is not known yet, and nothing is shown */
  constructor(recorder: Recorder, terminal: TapedTerminal, policy: () => RunnerPolicy | null) {
    this.#recorder = recorder;
    this.#terminal = terminal;
    this.#policy = policy;
    this.#tape = recorder.resume(terminal);
  }

  get recorded(): number {
    return this.#tape?.offset ?? 0;
  }

  begin(size: Size): Verdict {
    this.#size = size;
    return this.#record(() => undefined);
  }

  output(bytes: Uint8Array, end: number): Verdict {
    return this.#record((tape) => {
      if (end <= tape.offset) return;
      const start = end - bytes.byteLength;
      const fresh = tape.offset > start ? bytes.subarray(tape.offset - start) : bytes;
      if (this.#missed > 0) this.#note(tape, `${this.#missed} bytes before this were shown and could not be recorded`);
      else if (tape.offset < start && tape.offset > 0)
        this.#note(tape, `${start - tape.offset} bytes before this were printed while no runner was there, and shown to nobody`);
      this.#missed = 0;
      tape.write({ time: this.#recorder.now(), kind: 'output', bytes: fresh }, end);
    }, bytes.byteLength);
  }

  resized(size: Size): Verdict {
    this.#size = size;
    return this.#record((tape) => tape.write({ time: this.#recorder.now(), kind: 'resize', ...size }));
  }

  end({ code, signal }: { code: number | null; signal: string | null }): Verdict {
    if (this.#ended) return SHOWN;
    const verdict = this.#record((tape) => tape.write({ time: this.#recorder.now(), kind: 'end', code, signal }));
    if (verdict.shown) {
      this.#ended = true;
      this.#stop();
    }
    return verdict;
  }

  leave(): void {
    this.#tape?.leave();
    if (this.#tape !== null) this.#recorder.forget(this.#tape);
    this.#tape = null;
    this.#ended = true;
  }

  #record(write: (tape: Tape) => void, bytes = 0): Verdict {
    if (this.#ended) return SHOWN;
    const policy = this.#policy();
    if (policy === null) return { shown: false, reason: 'The policy of this workspace has not arrived yet' };
    const wanted = policy.recording;
    try {
      if (this.#tape !== null && this.#tape.keyId !== wanted?.key.id)
        this.#stop(wanted === undefined ? 'The policy records no terminals from here on' : 'It goes on under another recording key');
      if (wanted === undefined) return SHOWN;
      this.#tape ??= this.#recorder.begin(this.#terminal, wanted.key, this.#size);
      write(this.#tape);
      return SHOWN;
    } catch (error) {
      const reason = messageOf(error);
      this.#recorder.failed(reason);
      if (wanted?.mode === 'required') return { shown: false, reason: `Recording is required here, and can’t be written: ${reason}` };
      this.#missed += bytes;
      return SHOWN;
    }
  }

  #note(tape: Tape, text: string): void {
    tape.write({ time: this.#recorder.now(), kind: 'note', text });
  }

  #stop(why?: string): void {
    const tape = this.#tape;
    if (tape === null) return;
    this.#tape = null;
    try {
      if (why !== undefined) this.#note(tape, why);
    } finally {
      tape.end(this.#recorder.now());
      this.#recorder.forget(tape);
    }
  }
}
