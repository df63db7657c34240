import type { TestProject } from 'vitest/node';
import { startPodman, type TestEngine } from './support/podman.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** a real Podman, or why there is none */
    podman: TestEngine | string;
  }
}

/**
 * The helper runs as one file inside the sandbox, and the packed runner is tested too: both are built first. Meanwhile a
 * Podman is started, which all tests of containers share.
 */
export default async function prepare(project: TestProject): Promise<() => Promise<void>> {
  const [podman] = await Promise.all([startPodman(), import('../build.ts')]);
  if (typeof podman === 'string') {
    project.provide('podman', podman);
    return async () => undefined;
  }
  const { close, ...engine } = podman;
  project.provide('podman', engine);
  return close;
}
