import { relative } from 'node:path';

/** What stands in a `.trashinfo`. */
export interface TrashInfo {
  /** absolute */
  path: string;
  /** milliseconds since the epoch */
  deleted: number;
}

const two = (value: number) => String(value).padStart(2, '0');
/** Local time without a zone: so it is laid down. */
const localTime = (at: Date) =>
  `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

export const infoText = ({ path, deleted }: TrashInfo): string =>
  `[Trash Info]\nPath=${path.split('/').map(encodeURIComponent).join('/')}\nDeletionDate=${localTime(new Date(deleted))}\n`;

/** Anybody may have written it: null when it says nothing that can be used. */
export function readInfo(text: string): TrashInfo | null {
  const valueOf = (key: string) => text.match(new RegExp(`^${key}=(.*)$`, 'm'))?.[1];
  const [path, date] = [valueOf('Path'), valueOf('DeletionDate')];
  if (!text.startsWith('[Trash Info]') || path === undefined) return null;
  try {
    return { path: decodeURIComponent(path), deleted: Date.parse(date ?? '') || 0 };
  } catch {
    return null;
  }
}

/** The path inside the workspace that an info names; null: it lies outside, or is the root itself. */
export function pathInside(root: string, path: string): string | null {
  if (!path.startsWith('/') || path.includes('\0')) return null;
  const inside = relative(root, path);
  return inside === '' || inside === '..' || inside.startsWith('../') ? null : inside;
}
