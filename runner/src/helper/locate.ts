import { stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';

/** What programs print of files, as paths of the workspace. Looks only whether they are there. */
export async function locateFiles(root: string, { from, names }: { from: string; names: string[] }): Promise<object> {
  const folder = resolve(root, from);
  const known = new Map<string, Promise<string | null>>();
  const look = (place: string) => known.get(place) ?? known.set(place, pathOf(root, place)).get(place);
  const locate = async (name: string): Promise<string | null> => {
    for (const place of placesOf(root, folder, name)) {
      const path = await look(place);
      if (path) return path;
    }
    return null;
  };
  return { ok: true, paths: await Promise.all(names.map(locate)) };
}

/** Where a name may lie: where the program works, at the root, and without the `a/` or `b/` of a diff. */
function placesOf(root: string, folder: string, name: string): string[] {
  const plain = name.replace(/^file:\/\//, '').replace(/^~(?=\/)/, root);
  if (isAbsolute(plain)) return [plain];
  const spoken = /^[ab]\//.test(plain) ? [plain, plain.slice(2)] : [plain];
  return spoken.flatMap((each) => [join(folder, each), join(root, each)]);
}

async function pathOf(root: string, place: string): Promise<string | null> {
  const path = relative(root, place);
  if (path === '' || path.startsWith('..') || isAbsolute(path)) return null;
  return stat(place).then(
    (found) => (found.isFile() ? path : null),
    () => null,
  );
}
