/** letters that one typist types: nobody else has them, so that what a program read tells who typed it */
const LETTERS = 4;
const FIRST = 0x21;

/** What was typed without a break: at its end, some may be given up. */
interface Run {
  text: string;
  /** whether what the terminal had not taken then was given up */
  gaveUp: boolean;
}

/** Who types in one tab: numbers, in letters of its own. */
export class Typist {
  readonly clientId: string;
  readonly #first: number;
  readonly #typed = new Map<string, Run[]>();
  #count = 0;

  constructor(clientId: string, index: number) {
    this.clientId = clientId;
    this.#first = FIRST + index * (LETTERS + 1);
  }

  /** The next number, and a letter that ends it. */
  next(): string {
    const digits = [...(this.#count++).toString(LETTERS)].map((digit) => String.fromCharCode(this.#first + Number(digit)));
    return digits.join('') + String.fromCharCode(this.#first + LETTERS);
  }

  /** The page has taken it, to be sent to that terminal. */
  typed(terminalId: string, text: string): void {
    const runs = this.#typed.get(terminalId) ?? [];
    this.#typed.set(terminalId, runs);
    const last = runs.at(-1);
    if (last === undefined || last.gaveUp) runs.push({ text, gaveUp: false });
    else last.text += text;
  }

  /** What was not taken yet may never be: the page is gone, or somebody else drives. */
  giveUp(): void {
    for (const runs of this.#typed.values()) for (const run of runs) run.gaveUp = true;
  }

  /** SPEC T5. @returns what is wrong with a terminal's input, as far as it is from here; null: nothing */
  faultIn(terminalId: string, input: Uint8Array): string | null {
    const isMine = (byte: number) => byte >= this.#first && byte <= this.#first + LETTERS;
    const taken = new TextDecoder('latin1').decode(input.filter(isMine));
    const runs = this.#typed.get(terminalId) ?? [];
    const typed = runs.map(({ text }) => text).join('|');
    return fits(runs, taken) ? null : `${this.clientId} typed ${typed} and ${terminalId} took ${taken}`;
  }
}

/** Whether all of each run was taken, or of one that was given up a part from its beginning. */
function fits([first, ...rest]: Run[], taken: string): boolean {
  if (first === undefined) return taken === '';
  const { text, gaveUp } = first;
  const most = commonLength(text, taken);
  for (let length = most; length >= (gaveUp ? 0 : text.length); length--) if (fits(rest, taken.slice(length))) return true;
  return false;
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}
