import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';

/** What programs need to run where the system's own libraries are not: the loader, and libraries by their names. */
export interface Libraries {
  loader: string;
  libraries: Record<string, string>;
}

const known = new Map<string, Libraries>();

/** libraries that come with the C library and are opened only when asked for, by PTYs say */
const BESIDE = ['libutil.so.1', 'libpthread.so.0', 'libdl.so.2', 'librt.so.1'];

/** @throws Error when `ldd` does not tell */
export function librariesOf(programs: string[]): Libraries {
  const key = programs.join('\n');
  const found = known.get(key) ?? read(programs);
  known.set(key, found);
  return found;
}

function read(programs: string[]): Libraries {
  const text = execFileSync('ldd', programs, { encoding: 'utf8' });
  const libraries: Record<string, string> = {};
  for (const [, name = '', path = ''] of text.matchAll(/^\s+(\S+) => (\/\S+) \(0x/gm)) libraries[name] = realpathSync(path);
  const loader = /^\s+(\/\S*ld-\S+) \(0x/m.exec(text)?.[1];
  const libc = Object.entries(libraries).find(([name]) => name.startsWith('libc.so'))?.[0];
  if (loader === undefined || libc === undefined) throw new Error('ldd does not tell what Node is linked to');
  const folder = /=> (\/\S+)\/libc\.so\S* \(0x/.exec(text)?.[1] ?? '/lib';
  for (const name of BESIDE) {
    try {
      libraries[name] ??= realpathSync(`${folder}/${name}`);
    } catch {
      // newer C libraries have it in one
    }
  }
  return { loader: realpathSync(loader), libraries };
}
