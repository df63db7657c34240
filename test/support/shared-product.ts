import type { TestProject } from 'vitest/node';
import { startProduct } from './product.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    origin: string;
    stateDir: string;
  }
}

/** One product for all files of a project that want no more: each mints its own organisations and runners (`openIde`, `sharedProduct`). */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const product = await startProduct();
  project.provide('origin', product.origin);
  project.provide('stateDir', product.stateDir);
  return () => product.end();
}
