import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { type Row, summarise } from './measure.ts';
import { ROOT } from '../support/place.ts';

/** Where and when the figures came to be; without it they mean little. */
export function machineFacts() {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  return {
    time: new Date().toISOString(),
    commit: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ' and changes'),
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadAtStart: loadavg().map((load) => Math.round(load * 100) / 100),
  };
}

/** what others are compared with, and what the browser’s editor costs by itself */
const PEERS = ['ttyd', 'relay', 'code-server', 'codemirror'];
const HEADINGS = ['bench', 'what', 'system', 'median', 'p95', 'p99', 'min–max', 'n', 'unit', ...PEERS.map((peer) => `of ${peer}`)];

/** One table; ratios are of medians, and say nothing where the peer did not run. */
export function tableOf(rows: Row[]): string {
  const lines = rows.map((row) => {
    const { median, p95, p99, min, max, n } = summarise(row.samples);
    const range = `${shown(min)}–${shown(max)}`;
    return [
      row.bench,
      row.what,
      row.system,
      shown(median),
      shown(p95),
      p99 === null ? '' : shown(p99),
      range,
      String(n),
      row.unit,
      ...PEERS.map((peer) => ratio(rows, row, peer)),
    ];
  });
  const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const draw = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [draw(HEADINGS), draw(widths.map((width) => '-'.repeat(width))), ...lines.map(draw)].join('\n');
}

/** Numbers as precise as they are worth. */
const shown = (value: number) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

function ratio(rows: Row[], row: Row, peer: string): string {
  const other = rows.find(({ what, system, bench }) => bench === row.bench && what === row.what && system === peer);
  if (!other || row.system === peer) return '';
  const theirs = summarise(other.samples).median;
  return theirs === 0 ? '' : (summarise(row.samples).median / theirs).toFixed(2);
}

export async function writeReport(file: string, machine: ReturnType<typeof machineFacts>, rows: Row[]): Promise<void> {
  const results = rows.map((row) => ({ ...row, ...summarise(row.samples) }));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify({ machine, results }, null, 1));
}
