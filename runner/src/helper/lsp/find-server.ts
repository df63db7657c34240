import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { SERVERS, serverFor, type LspServer, type ServerId, type ServerProgram } from '@gatehouse/core/protocol/language-servers.ts';
import { z } from 'zod';
import type { HelperSettings } from '../../channel/requests.ts';
import { placeOf } from '../paths.ts';
import { shippedCommand } from './shipped.ts';

type Workspace = Pick<HelperSettings, 'root' | 'environment'>;

/** A program that serves a language here. */
export interface FoundServer {
  command: readonly [string, ...string[]];
  /** what it is called, for people */
  program: string;
  /** PATH of its programs: a project's own tools come first */
  path: string;
}

const there = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
const isProgram = async (path: string): Promise<boolean> =>
  (await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )) && (await stat(path)).isFile();

/** The folder and each one above it, up to the home: `a/b`, `a`, ``. */
function upwards(folder: string): string[] {
  const names = folder.split('/').filter((name) => name !== '');
  return names.map((_name, index) => names.slice(0, names.length - index).join('/')).concat('');
}

/**
 * The root of the project that a file belongs to: the outermost folder that looks like one, within the repository that
 * the file is in. A home is no project, however it looks.
 */
export async function rootOf(home: string, path: string, server: ServerId): Promise<string> {
  const folders = upwards(path.slice(0, Math.max(0, path.lastIndexOf('/')))).filter((folder) => folder !== '');
  let root: string | null = null;
  for (const folder of folders) {
    const isRepository = await there(join(placeOf(home, folder), '.git'));
    const marks = await Promise.all(SERVERS[server].roots.map((name) => there(join(placeOf(home, folder), name))));
    if (marks.includes(true) || isRepository) root = folder;
    if (isRepository) break;
  }
  return root ?? folders.at(-1) ?? '';
}

/** @returns null: nothing that serves this language is found */
export async function findServer({ root: home, environment }: Workspace, server: ServerId, root: string): Promise<FoundServer | null> {
  const { folders, programs } = SERVERS[server];
  const own = upwards(root).flatMap((folder) => folders.map((name) => join(placeOf(home, folder), name)));
  const near = (await Promise.all(own.map(async (folder) => ((await there(folder)) ? [folder] : [])))).flat();
  const path = [...near, ...(environment['PATH'] ?? '').split(delimiter)].filter((folder) => folder.startsWith('/'));
  for (const program of programs) {
    const command = program.kind === 'shipped' ? shippedCommand(program.name) : await installedCommand(program, path);
    if (command !== null)
      return {
        command: [...command, ...program.args],
        program: program.kind === 'shipped' ? `${program.name}, which comes with Gatehouse` : basename(command[0]),
        path: path.join(delimiter),
      };
  }
  return null;
}

async function installedCommand({ name, needs }: ServerProgram, path: readonly string[]): Promise<[string] | null> {
  for (const folder of path) {
    const program = join(folder, name);
    if (await isProgram(program)) return needs === undefined || (await hasPackage(folder, needs)) ? [program] : null;
  }
  return null;
}

const manifest = z.object({ version: z.string() });

/** Whether a package is beside the folder of its programs, and new enough. */
async function hasPackage(bin: string, { package: name, major }: NonNullable<ServerProgram['needs']>): Promise<boolean> {
  try {
    const { version } = manifest.parse(JSON.parse(await readFile(join(bin, '..', name, 'package.json'), 'utf8')));
    return Number(version.split('.')[0]) >= major;
  } catch {
    return false;
  }
}

/** What a page is told of the server for one file. */
export async function serverOf(workspace: Workspace, path: string): Promise<{ ok: true; server: LspServer | null }> {
  const known = serverFor(path);
  if (known === null) return { ok: true, server: null };
  const root = await rootOf(workspace.root, path, known.server);
  const found = await findServer(workspace, known.server, root);
  return { ok: true, server: { server: known.server, root, program: found?.program ?? null } };
}
