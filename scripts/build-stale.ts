import { resolve } from 'node:path';
import { build } from './build.ts';

// Tests run the product as it is built; what is older than its sources is built first.
await build(resolve(import.meta.dirname, '..'), (part) => console.log(`Building the ${part} …`));
