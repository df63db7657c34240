import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId, type IdKind } from '@gatehouse/core/ids.ts';
import { templateSpec } from '@gatehouse/core/api/templates.ts';
import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import { onTestFinished } from 'vitest';

export const mintId = (kind: IdKind): string => newId(kind, Date.now(), randomBytes(16));

/** A folder that goes with the test. */
export function mintFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function mintOrder(change: Partial<Omit<WorkspaceOrder, 'spec'>> & { spec?: object } = {}): WorkspaceOrder {
  const { spec = {}, ...rest } = change;
  return {
    workspaceId: mintId('workspace'),
    generation: 1,
    desired: 'running',
    name: 'blue-house',
    owner: { name: 'Ada "the" Dev', email: 'ada@acme.test' },
    spec: templateSpec.parse({ driver: 'process', ...spec }),
    ...rest,
  };
}

export const silentLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
