import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { templateLimits, type TemplateLimits } from '@gatehouse/core/api/template-limits.ts';
import { z } from 'zod';
import { messageOf } from '../../failure.ts';
import { inNamespaceOf } from '../../limits/processes.ts';
import { watchOver } from '../../limits/watch.ts';
import { identify, type ProcessId } from '../../state/process-id.ts';
import { attachSandbox } from '../attach.ts';
import { networkFiles } from '../bubblewrap-network.ts';
import type { Sandbox, SandboxDriver, SandboxParts, SandboxPlan, SandboxTrace } from '../driver.ts';
import { ADOPTED_WITHIN_MS, READY_WITHIN_MS } from '../helper-program.ts';
import { controlOf, environmentOf, giveHomeTo, ownUser, prepareHome, writeControl, type User } from '../prepare.ts';
import { lastWords, recordWords } from '../words.ts';
import { endContainer, removeContainer, stateOf, sweepContainers } from './body.ts';
import type { Engine } from './engine.ts';
import { entranceProgram } from './entrance.ts';
import { ContainerGauge } from './gauge.ts';
import { findImage, pullImage, type Image } from './image.ts';
import { containerSettings, CONTROL, doorOf, HOME, LABELS, SOCKET } from './settings.ts';

const LOOK_AGAIN_MS = 10;
/** looks for the socket between two questions to the engine */
const LOOKS = 50;

const isRoot = () => process.getuid?.() === 0;

/**
 * Who owns the home: on an engine of root's each workspace has a user of its own, where the runner may give it its files.
 * Without root it is the runner's own user, which Podman shows inside under the same number, and Docker as user 0: that one
 * is nobody outside, and has no capability inside.
 */
function userFor({ workspaceId }: SandboxPlan, engine: Engine): User {
  if (engine.isRootless && engine.name === 'Docker') return { uid: 0, gid: 0 };
  if (isRoot()) return ownUser(workspaceId);
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/** Which containers are a workspace's: its folder names both the runner, by its state folder, and the workspace. */
const labelsOf = (folder: string) => ({ runner: dirname(dirname(folder)), workspace: folder.slice(dirname(folder).length + 1) });

/** What the image sets counts where the runner has nothing to say; its programs come before the usual ones. */
function environmentFor(plan: SandboxPlan, { environment: image }: Image): Record<string, string> {
  const own = environmentOf(plan, HOME, 'dev', `${CONTROL}/gitconfig`);
  const { PATH: path } = image;
  const isOwnPath = 'PATH' in plan.environment || path === undefined;
  return { ...image, ...own, PATH: isOwnPath ? own.PATH : `${HOME}/.local/bin:${path}` };
}

/** Writes the program through which the helper starts among the files that its container is made from. @returns how it is called */
function writeEntrance(plan: SandboxPlan): string[] {
  const program = entranceProgram();
  if (program === null) return [];
  const path = join(controlOf(plan), 'enter');
  writeFileSync(path, program, { mode: 0o755 });
  chmodSync(path, 0o755);
  return [`${CONTROL}/enter`];
}

/** A folder in which the helper, and nobody else yet, can make its socket. */
function openDoor(folder: string, user: User): void {
  const door = doorOf(folder);
  rmSync(door, { recursive: true, force: true });
  mkdirSync(door, { mode: 0o755 });
  chmodSync(door, 0o755);
  if (isRoot()) chownSync(door, user.uid, user.gid);
}

/** Takes the socket to where no container sees it, and leaves a folder that is of no use any more. */
function takeSocket(folder: string): void {
  const door = doorOf(folder);
  renameSync(join(door, SOCKET), join(folder, SOCKET));
  chmodSync(door, 0o555);
  if (isRoot()) chownSync(door, 0, 0);
}

/** @throws Error when the container ends, or does not listen in time */
async function waitForSocket(engine: Engine, id: string, folder: string): Promise<void> {
  const socket = join(doorOf(folder), SOCKET);
  const late = performance.now() + READY_WITHIN_MS;
  for (let look = 1; !existsSync(socket); look++) {
    if (performance.now() > late) throw new Error(`its helper did not listen within ${READY_WITHIN_MS / 1000} s`);
    if (look % LOOKS === 0 && (await stateOf(engine, id))?.Running !== true) throw new Error('its helper has ended');
    await setTimeout(LOOK_AGAIN_MS);
  }
}

interface Made {
  id: string;
  first: ProcessId;
  limits: TemplateLimits;
  network: SandboxTrace['network'];
}

/** The sandbox in a container that runs. @throws Error when its helper does not answer; nothing of it runs then */
async function takeSandbox(engine: Engine, folder: string, { id, first, limits, network }: Made, withinMs: number): Promise<Sandbox> {
  const gauge = new ContainerGauge(first.pid, engine.controls);
  const kill = async () => {
    if (await endContainer(engine, id, folder)) gauge.killed();
  };
  const attached = await attachSandbox({ folder, kill }, withinMs);
  const watched = watchOver({ folder, limits, cgroup: gauge, belongs: inNamespaceOf(first.pid) }, attached);
  const trace = { kind: 'container', first, limits, rootfs: null, network, container: id } as const;
  return { kind: 'container', root: HOME, startupScript: `${CONTROL}/start-up.sh`, trace, ...watched };
}

const created = z.object({ Id: z.string() });

async function makeContainer(engine: Engine, plan: SandboxPlan, parts: SandboxParts): Promise<string> {
  if (plan.image === null) throw new Error('the template names no image');
  const image = await findImage(engine, plan.image);
  if (image === null) throw new Error(`${engine.name} does not have the image ${plan.image}`);
  const user = userFor(plan, engine);
  prepareHome(plan);
  if (isRoot()) giveHomeTo(plan, user);
  const forwards = plan.network?.forwards ?? [];
  const settings = { root: HOME, environment: environmentFor(plan, image), graceMs: plan.graceMs, mark: null, forwards };
  writeControl(plan, settings, user, networkFiles(plan));
  openDoor(plan.folder, user);
  // Where its last words are put; those of an earlier one are not its.
  recordWords(plan.folder, () => undefined);
  const whose = labelsOf(plan.folder);
  await sweepContainers(engine, whose);
  const labels = Object.fromEntries(Object.entries(whose).map(([name, value]) => [LABELS[name as keyof typeof LABELS], value]));
  const body = containerSettings({ plan, parts, engine, image, user, entrance: writeEntrance(plan), labels });
  const name = `gatehouse-${plan.workspaceId}-${Date.now().toString(36)}`;
  return (await engine.ask(created, { method: 'POST', path: '/containers/create', query: { name }, body })).Id;
}

async function startContainer(engine: Engine, plan: SandboxPlan, parts: SandboxParts): Promise<Sandbox> {
  let id: string | null = null;
  try {
    id = await makeContainer(engine, plan, parts);
    await engine.bytes({ method: 'POST', path: `/containers/${id}/start` });
    await waitForSocket(engine, id, plan.folder);
    takeSocket(plan.folder);
    const pid = (await stateOf(engine, id))?.Pid ?? 0;
    const first = pid > 1 ? identify(pid) : null;
    if (first === null)
      throw new Error(`${engine.name} runs containers where this runner does not see them: it must be on the same machine`);
    const made = { id, first, limits: plan.limits, network: plan.network === null ? 'machine' : 'own' } as const;
    return await takeSandbox(engine, plan.folder, made, READY_WITHIN_MS);
  } catch (error) {
    if (id !== null) await endContainer(engine, id, plan.folder).catch(() => undefined);
    const words = [messageOf(error), lastWords(plan.folder)].filter((part) => part !== '').join(': ');
    throw new Error(`The sandbox could not start: ${words}`, { cause: error });
  }
}

/** Takes over a container that an earlier runner started, if it is the very one. */
async function adoptContainer(engine: Engine, folder: string, { container, first, limits, network }: SandboxTrace): Promise<Sandbox> {
  if (container === undefined) throw new Error('it is not known which container it is');
  const state = await stateOf(engine, container);
  if (state?.Running !== true || state.Pid !== first.pid) {
    if (state !== null) await removeContainer(engine, container);
    throw new Error('its container has ended');
  }
  const made = { id: container, first, network, limits: limits ?? templateLimits.parse({}) };
  return takeSandbox(engine, folder, made, ADOPTED_WITHIN_MS);
}

/** Containers of an engine on this machine, each made from an image that its template names by digest. */
export const containerDriver = (engine: Engine, parts: SandboxParts): SandboxDriver & { sweep(folder: string): Promise<void> } => ({
  kind: 'container',
  pull: (image, progress, signal) => pullImage(engine, image, progress, signal),
  start: (plan) => startContainer(engine, plan, parts),
  adopt: (folder, trace) => adoptContainer(engine, folder, trace),
  /** Removes what earlier runners may have left of a workspace. */
  sweep: (folder) => sweepContainers(engine, labelsOf(folder)),
});
