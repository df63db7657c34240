import { resolve } from 'node:path';
import { build } from './build.ts';

/** `npm run build`: what is missing or older than its sources. */

await build(resolve(import.meta.dirname, '..'), (part) => console.log(`Building the ${part} …`));
console.log('All is built.');
