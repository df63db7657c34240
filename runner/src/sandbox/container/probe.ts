import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { templateLimits } from '@gatehouse/core/api/template-limits.ts';
import { z } from 'zod';
import { messageOf } from '../../failure.ts';
import { othersCgroupOf } from '../../limits/find-cgroups.ts';
import { removeTree } from '../../supervisor/remove-tree.ts';
import type { SandboxParts } from '../driver.ts';
import { containerDriver } from './container.ts';
import { linesOf, type Engine } from './engine.ts';

/** two empty blocks: a tar archive without files */
const NOTHING = new Uint8Array(1024);
const made = z.object({ status: z.string() });

/** An image with nothing in it; the helper brings all that it needs. @returns its id */
async function makeEmptyImage(engine: Engine): Promise<string> {
  // Another runner may try the same meanwhile.
  const query = { fromSrc: '-', repo: `localhost/gatehouse-probe-${process.pid}` };
  const answer = await engine.open({ method: 'POST', path: '/images/create', query, body: NOTHING });
  for await (const line of linesOf(answer)) {
    const said = made.safeParse(line);
    if (said.success && /^sha256:[0-9a-f]{64}$/.test(said.data.status)) return said.data.status;
  }
  throw new Error('it does not take an empty image');
}

/**
 * Why an engine can't make sandboxes here, or null: found out by really making one, from an empty image, with no network,
 * and talking to its helper. What the engine really bounds is then known to it.
 * @param place folder that the engine must be able to show: the state folder
 */
export async function whyNoContainer(engine: Engine, parts: SandboxParts, place: string): Promise<string | null> {
  const root = mkdtempSync(join(place, 'probe-'));
  const folder = join(root, 'workspaces', 'probe');
  const sockets = join(folder, 'egress');
  mkdirSync(sockets, { recursive: true });
  const network = { sockets: { folder: sockets, inside: '/run/gatehouse' }, environment: {}, gitConfig: '', forwards: [] };
  let image: string | null = null;
  engine.controls = [...engine.claims];
  try {
    image = await makeEmptyImage(engine);
    const about = { workspaceId: 'probe', name: 'probe', owner: { name: 'Gatehouse', email: '' }, environment: {}, startupScript: '' };
    const limits = templateLimits.parse({ memoryMb: 256, cpus: 1, diskMb: 64 });
    const plan = { ...about, folder, graceMs: 0, limits, rootfs: null, image, network };
    const sandbox = await containerDriver(engine, parts).start(plan);
    const home = await sandbox.helper.call({ method: 'files.stat', path: '' });
    engine.controls = othersCgroupOf(sandbox.trace.first.pid)?.bounding ?? [];
    await sandbox.stop();
    return home.ok ? null : `${engine.words} shows containers no home`;
  } catch (error) {
    engine.controls = [];
    return `${engine.words} can’t make a sandbox: ${messageOf(error).replace('The sandbox could not start: ', '')}`;
  } finally {
    await removeTree(root).catch(() => undefined);
    if (image !== null) await engine.bytes({ method: 'DELETE', path: `/images/${image}`, query: { force: '1' } }).catch(() => undefined);
  }
}
