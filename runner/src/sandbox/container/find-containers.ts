import { CONTROLLERS } from '../../limits/cgroup.ts';
import type { SandboxParts } from '../driver.ts';
import { containerDriver } from './container.ts';
import type { Engine } from './engine.ts';
import { findEngine } from './find-engine.ts';
import { whyNoContainer } from './probe.ts';

/** What this machine's container engine can do. */
export interface Containers {
  /** null: there is no engine */
  engine: Engine | null;
  driver: ReturnType<typeof containerDriver> | null;
  /** why no workspace can be given a container; null: it can */
  missing: string | null;
  /** for the runner's page */
  warnings: string[];
}

/** What an engine does not bound, in words; null: it bounds all. */
export function unbounded({ words, controls }: Pick<Engine, 'words' | 'controls'>): string | null {
  const missing = CONTROLLERS.filter((controller) => !controls.includes(controller));
  return missing.length === 0 ? null : `Containers are not bounded in ${missing.join(', ')} by ${words}`;
}

/**
 * Finds the engine and tries it out.
 * @param options.engine see `placesOf` @param options.root state folder, which is there
 */
export async function findContainers(parts: SandboxParts, options: { engine: string | undefined; root: string }): Promise<Containers> {
  const engine = await findEngine(options.engine);
  // A machine without one lacks nothing, unless somebody named one.
  if (typeof engine === 'string')
    return {
      engine: null,
      driver: null,
      missing: engine,
      warnings: options.engine?.startsWith('/') === true ? [`NO CONTAINERS: ${engine}`] : [],
    };
  const missing = await whyNoContainer(engine, parts, options.root);
  const lacking = missing === null ? unbounded(engine) : `NO CONTAINERS: ${missing}`;
  return { engine, driver: containerDriver(engine, parts), missing, warnings: lacking === null ? [] : [lacking] };
}
