import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import type { Person } from '../../scripts/api.ts';
import { until } from '../support/product.ts';
import { Space, START, STOP } from './space.ts';
import type { System } from './system.ts';

/** The templates and the machine that workspaces are made on. */
export interface Stage {
  owner: Person;
  /** folder of the runner's workspaces */
  workspaces: string;
  /** ids: start and stop as told; the same with a repository that is cloned; start waits in a home that is new, too */
  templates: { plain: string; cloning: string; waiting: string };
  /** version of `plain` before its newest, from which an update goes */
  older: string;
  /** resolves when somebody has come to clone */
  cloneBegan(): Promise<unknown>;
  /** a root file system that no runner has yet, and where it is served */
  makeSystem(): Promise<System>;
  bytes(count: number): Uint8Array;
  roll(sides: number): number;
}

/** One workspace at one step of its life, at which the plug is pulled. */
export interface Scene {
  /** what was asked for in this scene, in order, as the trail must tell it */
  wishes: AuditAction[];
  ends: 'running' | 'stopped' | 'trashed' | 'deleted';
  /** set when all others are: the runner waits for an answer for 30 s only */
  late?: boolean;
  /** Brings it there and keeps it there. */
  set(stage: Stage, name: string): Promise<Space>;
  /** What is asked right before the plug is pulled, for a step that nothing can hold. */
  last?(stage: Stage, space: Space): Promise<void>;
}

async function create({ owner, workspaces }: Stage, templateId: string, name: string, versionId?: string): Promise<Space> {
  const { id } = await owner.call<{ id: string }>('POST', '/workspaces', { templateId, name, versionId });
  return new Space(owner, workspaces, id);
}

async function running(stage: Stage, name: string, versionId?: string): Promise<Space> {
  const space = await create(stage, stage.templates.plain, name, versionId);
  await space.reaches('running');
  space.plant(stage.bytes);
  return space;
}

async function stopped(stage: Stage, name: string): Promise<Space> {
  const space = await running(stage, name);
  await space.ask('POST', '/stop');
  await space.reaches('stopped');
  return space;
}

/** Some turns of the event loop, so that each pull meets another moment. */
async function moment({ roll }: Stage, most: number): Promise<void> {
  for (let turns = roll(most); turns > 0; turns--) await new Promise((next) => setImmediate(next));
}

/** Looks at each turn of the event loop, because what is looked for does not last. @throws Error after a minute */
async function caught(stage: Stage, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !holds(); await moment(stage, 2)) {
    if (Date.now() > end) throw new Error(`Not so within a minute: ${holds.toString()}`);
  }
}

/** At the stop script, after something was asked that ends what runs. */
const atStopScript =
  (ask: (space: Space) => Promise<void>) =>
  async (stage: Stage, name: string): Promise<Space> => {
    const space = await running(stage, name);
    space.hold('stop');
    await ask(space);
    await space.isHeld('stop');
    return space;
  };

/** At the start script of what runs already, or is stopped. */
const atStartScript =
  (from: (stage: Stage, name: string) => Promise<Space>, ask: (stage: Stage, space: Space) => Promise<void>) =>
  async (stage: Stage, name: string): Promise<Space> => {
    const space = await from(stage, name);
    space.hold('start');
    await ask(stage, space);
    await space.isHeld('start');
    return space;
  };

const letGo = async (stage: Stage, space: Space): Promise<void> => {
  space.release();
  await moment(stage, 3000);
};

/** Each step of a workspace's life. */
export const SCENES: Record<string, Scene> = {
  'create, just asked': {
    ...{ wishes: ['workspace.create'], ends: 'running' },
    set: (stage, name) => create(stage, stage.templates.plain, name),
  },
  'create, its home being made': {
    ...{ wishes: ['workspace.create'], ends: 'running' },
    set: async (stage, name) => {
      const space = await create(stage, stage.templates.plain, name);
      await until(() => Promise.resolve(existsSync(space.folder)));
      await moment(stage, 3000);
      return space;
    },
  },
  'create, its root file system being unpacked': {
    ...{ wishes: ['workspace.create'], ends: 'running', late: true },
    set: async (stage, name) => {
      const { asked, ...rootfs } = await stage.makeSystem();
      const spec = {
        driver: 'bubblewrap',
        startupScript: START,
        stopScript: STOP,
        rootfs: { digest: rootfs.digest, source: rootfs.source },
      };
      const { id } = await stage.owner.call<{ id: string }>('POST', '/templates', { name: `system-${name}`, spec });
      const space = await create(stage, id, name);
      await asked;
      space.system = rootfs;
      return space;
    },
    last: async (stage, space) => {
      space.system?.release();
      const place = join(stage.workspaces, '..', 'rootfs', space.system?.digest.slice(7) ?? '');
      await caught(stage, () => existsSync(`${place}.new`) || existsSync(place));
    },
  },
  'create, at the clone': {
    ...{ wishes: ['workspace.create'], ends: 'running' },
    set: async (stage, name) => {
      const space = await create(stage, stage.templates.cloning, name);
      await stage.cloneBegan();
      return space;
    },
  },
  'create, at the start script': {
    ...{ wishes: ['workspace.create'], ends: 'running' },
    set: async (stage, name) => {
      const space = await create(stage, stage.templates.waiting, name);
      await space.isHeld('start');
      space.plant(stage.bytes);
      return space;
    },
  },
  'start, connecting': {
    ...{ wishes: ['workspace.create', 'workspace.stop', 'workspace.start'], ends: 'running' },
    set: atStartScript(stopped, (_stage, space) => space.ask('POST', '/start')),
    last: letGo,
  },
  running: { wishes: ['workspace.create'], ends: 'running', set: (stage, name) => running(stage, name) },
  'stop, at the stop script': {
    ...{ wishes: ['workspace.create', 'workspace.stop'], ends: 'stopped' },
    set: atStopScript((space) => space.ask('POST', '/stop')),
  },
  'stop, halting': {
    ...{ wishes: ['workspace.create', 'workspace.stop'], ends: 'stopped' },
    set: atStopScript((space) => space.ask('POST', '/stop')),
    last: letGo,
  },
  'restart, at the stop script': {
    ...{ wishes: ['workspace.create', 'workspace.restart'], ends: 'running' },
    set: atStopScript((space) => space.ask('POST', '/restart')),
  },
  'restart, at the start script': {
    ...{ wishes: ['workspace.create', 'workspace.restart'], ends: 'running' },
    set: atStartScript(running, (_stage, space) => space.ask('POST', '/restart')),
  },
  'restart, between': {
    ...{ wishes: ['workspace.create', 'workspace.restart'], ends: 'running' },
    set: atStopScript((space) => space.ask('POST', '/restart')),
    last: letGo,
  },
  'update, at the start script': {
    ...{ wishes: ['workspace.create', 'workspace.update'], ends: 'running' },
    set: atStartScript(
      (stage, name) => running(stage, name, stage.older),
      (_stage, space) => space.ask('POST', '/update', {}),
    ),
  },
  'rename, just asked': {
    ...{ wishes: ['workspace.create', 'workspace.rename'], ends: 'running' },
    set: (stage, name) => running(stage, name),
    last: (_stage, space) => space.ask('PATCH', '', { name: `renamed-${space.id.slice(-6)}` }),
  },
  'delete, at the stop script': {
    ...{ wishes: ['workspace.create', 'workspace.delete'], ends: 'trashed' },
    set: atStopScript((space) => space.ask('DELETE')),
  },
  'delete, just asked': {
    ...{ wishes: ['workspace.create', 'workspace.delete'], ends: 'trashed' },
    set: (stage, name) => running(stage, name),
    last: (_stage, space) => space.ask('DELETE'),
  },
  'delete for good, just asked': {
    ...{ wishes: ['workspace.create', 'workspace.stop', 'workspace.delete', 'workspace.purge'], ends: 'deleted' },
    set: async (stage, name) => {
      const space = await stopped(stage, name);
      await space.ask('DELETE');
      return space;
    },
    last: (_stage, space) => space.ask('POST', '/purge'),
  },
  'delete for good, half gone': {
    ...{ wishes: ['workspace.create', 'workspace.stop', 'workspace.delete', 'workspace.purge'], ends: 'deleted' },
    set: async (stage, name) => {
      const space = await stopped(stage, name);
      space.plant(stage.bytes, 300);
      await space.ask('DELETE');
      return space;
    },
    last: async (stage, space) => {
      await space.ask('POST', '/purge');
      // Its first file is gone, the rest on its way.
      await caught(stage, () => !existsSync(join(space.home, 'precious', '0', '0')) || !existsSync(join(space.folder, 'workspace.json')));
    },
  },
};
