import { StreamError } from '../../connection/stream-error.ts';

/** of one upload */
export const MOST_FILES = 20_000;

/** What somebody wants to have in the workspace: files by their path in what was dropped or chosen, and folders, the outer first. */
export interface Dropped {
  files: { path: string; file: File }[];
  folders: string[];
}

/** What was chosen by a button, or pasted. A folder's files say where they lie in it. */
export function chosenFiles(files: Iterable<File>): Dropped {
  const list = [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  if (list.length > MOST_FILES) throw tooMany();
  const folders = new Set<string>();
  for (const { path } of list) {
    const names = path.split('/').slice(0, -1);
    names.forEach((_, index) => folders.add(names.slice(0, index + 1).join('/')));
  }
  return { files: list, folders: [...folders].sort() };
}

/** What a browser tells of a drop, taken in the event itself: afterwards it tells nothing. */
export interface Drop {
  entries: (FileSystemEntry | null)[];
  files: File[];
}

/** @throws StreamError when it is too much */
export async function droppedFiles({ entries, files }: Drop): Promise<Dropped> {
  const known = entries.filter((entry) => entry !== null);
  return known.length === 0 ? chosenFiles(files) : walk(known);
}

async function walk(entries: FileSystemEntry[]): Promise<Dropped> {
  const dropped: Dropped = { files: [], folders: [] };
  const open = entries.map((entry) => ({ entry, folder: '' }));
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const { entry, folder } = next;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isFile) dropped.files.push({ path, file: await fileOf(entry as FileSystemFileEntry) });
    else {
      dropped.folders.push(path);
      open.push(...(await entriesOf(entry as FileSystemDirectoryEntry)).map((each) => ({ entry: each, folder: path })));
    }
    if (dropped.files.length + open.length > MOST_FILES) throw tooMany();
  }
  return dropped;
}

const tooMany = () =>
  new StreamError('too-large', 'These are more than 20,000 files: pack them into an archive, and unpack that in a terminal');

const unreadable = (entry: FileSystemEntry) => new StreamError('invalid', `“${entry.name}” can’t be read on your machine`);

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, () => reject(unreadable(entry))));

/** A browser tells of a hundred at a time. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, () => reject(unreadable(folder))));
    if (some.length === 0) return all;
    all.push(...some);
  }
}
