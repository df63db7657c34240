import { join } from 'node:path';

/** The trash of a home, as freedesktop.org describes it, so that programs in terminals and we mean the same one. */
export interface TrashPlace {
  root: string;
  folder: string;
  /** what was thrown away */
  files: string;
  /** of each, where it was and since when it is here */
  info: string;
  /** what folders in it weigh */
  sizes: string;
}

export function trashPlace(root: string): TrashPlace {
  const folder = join(root, '.local', 'share', 'Trash');
  return { root, folder, files: join(folder, 'files'), info: join(folder, 'info'), sizes: join(folder, 'directorysizes') };
}

export const infoPlace = (place: TrashPlace, name: string): string => join(place.info, `${name}.trashinfo`);
