import { startHecDouble } from '../support/hec-double.mjs';
import { layLine, type Line } from './line.ts';

interface State {
  indexed: Array<{ event: { id: string; seq: number } }>;
  requests: number;
  violations: string[];
}

export interface Siem {
  url: string;
  token: string;
  line: Line;
  set(faults: Record<string, unknown>): Promise<void>;
  state(): Promise<State>;
  close(): Promise<unknown>;
}

const WELL = { busy: 0, error: 0, dropAnswer: 0, hold: false, delay: 0 };

/** A strict Splunk behind a line that can be cut. */
export async function startSiem(): Promise<Siem> {
  const token = crypto.randomUUID();
  const double = await startHecDouble({ tokens: [token] });
  const line = await layLine(Number(new URL(double.url).port));
  const control = `${double.url}/control?token=${token}`;
  return {
    url: `http://127.0.0.1:${line.port}`,
    token,
    line,
    set: async (faults) => {
      const response = await fetch(control, { method: 'POST', body: JSON.stringify({ ...WELL, ...faults }) });
      if (!response.ok) throw new Error(await response.text());
    },
    state: async () => (await (await fetch(control)).json()) as State,
    close: async () => {
      await line.cut();
      return double.close();
    },
  };
}

/** Something goes wrong with it, until the next time. */
export async function trouble(siem: Siem, roll: (sides: number) => number): Promise<void> {
  await siem.line.mend();
  const troubles: Array<() => Promise<void>> = [
    () => siem.set({}),
    () => siem.set({ busy: 1 }),
    () => siem.set({ dropAnswer: 1 + roll(2) }),
    () => siem.set({ delay: 50 + roll(200) }),
    () => siem.set({ error: 1 }),
    () => siem.line.cut(),
    () => siem.set({ hold: true }),
  ];
  await troubles[roll(troubles.length)]?.();
}

export async function mend(siem: Siem): Promise<void> {
  await siem.line.mend();
  await siem.set({});
}
