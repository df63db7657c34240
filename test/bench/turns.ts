import { type Options, type Row, shuffled } from './measure.ts';
import type { System } from './system.ts';

export type Add = (what: string, unit: Row['unit'], ...samples: number[]) => void;

/** One measurement that every system takes, in turns. */
export interface Measure {
  name: string;
  rounds(options: Options): number;
  run(system: System, add: Add, options: Options): Promise<void>;
}

/** The rows of one run, samples joined by what and system. */
export class Rows {
  readonly #bench: string;
  readonly #rows = new Map<string, Row>();

  constructor(bench: string) {
    this.#bench = bench;
  }

  of(system: string): Add {
    return (what, unit, ...samples) => {
      const key = `${what}\n${system}`;
      const row = this.#rows.get(key) ?? { bench: this.#bench, what, system, unit, samples: [] };
      row.samples.push(...samples);
      this.#rows.set(key, row);
    };
  }

  /** What was measured on several systems stands together. */
  all(): Row[] {
    const rows = [...this.#rows.values()].filter(({ samples }) => samples.length > 0);
    const order = [...new Set(rows.map(({ what }) => what))];
    return rows.sort((a, b) => order.indexOf(a.what) - order.indexOf(b.what) || a.system.localeCompare(b.system));
  }
}

/** In shuffled turns, so that a busy minute hurts all alike. */
export async function takeTurns(measure: Measure, systems: System[], rows: Rows, options: Options): Promise<void> {
  for (let round = measure.rounds(options); round > 0; round--) {
    for (const system of shuffled(systems)) {
      try {
        await measure.run(system, rows.of(system.name), options);
      } catch (error) {
        throw new Error(`${system.name}, ${measure.name}: ${String(error)}`, { cause: error });
      }
    }
  }
}

const AT_ONCE = 4;

/** All of them, a few at a time. */
export async function atOnce<T>(items: T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
