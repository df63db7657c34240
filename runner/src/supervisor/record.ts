import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { idSchema } from '@gatehouse/core/ids.ts';
import { z } from 'zod';
import { sandboxTrace } from '../sandbox/driver.ts';
import { writeAtomically } from '../state/atomic-file.ts';

const workspaceRecord = z.object({
  workspaceId: idSchema('workspace'),
  name: z.string(),
  generation: z.number().int(),
  settled: z.object({ generation: z.number().int(), phase: z.enum(['running', 'stopped', 'failed', 'deleted']) }).nullable(),
  /** the newest policy that it was given, as it was signed; checked again when it is loaded */
  policy: z.string().optional(),
  /** what it may reach, likewise */
  network: z.string().optional(),
});
/** What is remembered of a workspace beside its files. */
export type WorkspaceRecord = z.infer<typeof workspaceRecord>;

const pathOf = (folder: string) => join(folder, 'workspace.json');

export function saveRecord(folder: string, record: WorkspaceRecord): void {
  writeAtomically(pathOf(folder), JSON.stringify(record));
}

/** All workspaces on disk; `damaged` are folders whose record can't be read. They are left alone. */
export function loadRecords(root: string): { records: WorkspaceRecord[]; damaged: string[] } {
  const records: WorkspaceRecord[] = [];
  const damaged: string[] = [];
  for (const name of readdirSync(root)) {
    const path = pathOf(join(root, name));
    if (!existsSync(path)) continue;
    try {
      records.push(workspaceRecord.parse(JSON.parse(readFileSync(path, 'utf8'))));
    } catch {
      damaged.push(name);
    }
  }
  return { records, damaged };
}

const runningTrace = z.object({ generation: z.number().int(), ...sandboxTrace.shape });
/** Where the sandbox is that runs for a workspace. */
export type RunningTrace = z.infer<typeof runningTrace>;

const tracePathOf = (folder: string) => join(folder, 'sandbox.json');

export function saveTrace(folder: string, trace: RunningTrace): void {
  writeAtomically(tracePathOf(folder), JSON.stringify(trace));
}

export function removeTrace(folder: string): void {
  rmSync(tracePathOf(folder), { force: true });
}

/** Null: no sandbox was left running, or nobody can say where. */
export function loadTrace(folder: string): RunningTrace | null {
  try {
    return runningTrace.parse(JSON.parse(readFileSync(tracePathOf(folder), 'utf8')));
  } catch {
    return null;
  }
}
