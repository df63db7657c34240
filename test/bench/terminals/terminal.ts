import { echoInChromium } from '../chromium/echo.ts';
import { gatehouse } from '../gatehouse.ts';
import { type Options, type Row } from '../measure.ts';
import { startPeers } from '../peers.ts';
import type { Product } from '../product.ts';
import { relay } from '../relay.ts';
import { bulk } from './bulk.ts';
import { kills, resets } from './cuts.ts';
import { echoFar, echoNear } from './echo.ts';
import { interruptWhileWriting, typeWhileReading } from './files.ts';
import { measureIdle } from './idle.ts';
import { interrupts } from './interrupt.ts';
import { stalls } from './stall.ts';
import { type Measure, Rows, takeTurns } from '../turns.ts';

/** Parts that all systems take in turns. */
const SHARED: Record<string, Measure[]> = {
  echo: [echoNear],
  far: [echoFar],
  bulk: [bulk],
  interrupt: [interrupts],
  stall: stalls,
  cut: [resets],
};
/** Parts that only ours takes; `chromium` and `idle` have the relay beside it. */
const OURS = ['chromium', 'files', 'kill', 'idle'];

export const PARTS = [...Object.keys(SHARED), ...OURS];

/** Shells over the wire: ours beside its peers. */
export async function measureTerminals(product: Product, options: Options): Promise<Row[]> {
  const wanted = (part: string) => options.parts.length === 0 || options.parts.includes(part);
  const [ours, floor, peers] = [gatehouse(product), await relay(), await startPeers(options)];
  const systems = [ours, floor, ...peers];
  const rows = new Rows('terminal');
  const add = rows.of(ours.name);
  try {
    for (const [part, measures] of Object.entries(SHARED)) {
      if (wanted(part)) for (const measure of measures) await step(measure.name, () => takeTurns(measure, systems, rows, options));
    }
    if (wanted('chromium')) await step('echo in Chromium', () => echoInChromium(product, floor, rows, options));
    if (wanted('files')) {
      await step('echo during files.read', () => typeWhileReading(ours, add, options));
      await step('Ctrl-C during files.write', () => interruptWhileWriting(ours, add, options));
    }
    if (wanted('kill')) await step('kills of workerd', () => kills(ours, product.origin, add, options));
    if (wanted('idle')) await step('idle workspaces', () => measureIdle(floor, rows, options));
  } finally {
    for (const system of systems) await system.stop();
  }
  return rows.all();
}

/** One that fails does not take the others' figures with it. */
async function step(name: string, work: () => Promise<void>): Promise<void> {
  const begin = performance.now();
  try {
    await work();
    process.stdout.write(`  ${name}: ${((performance.now() - begin) / 1000).toFixed(0)} s\n`);
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(`\n  ${name} FAILED: ${error instanceof Error ? error.message : String(error)}\n\n`);
  }
}
