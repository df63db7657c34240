import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Rolldown } from 'vite';

/** Where Kit is handed what it starts with: the version, say. */
const KIT_ENTRY = fileURLToPath(new URL('../runtime/client/entry.js', import.meta.resolve('@sveltejs/kit')));

type Group = Rolldown.CodeSplittingGroup;
type Context = Parameters<Extract<Group['name'], (...args: never[]) => unknown>>[1];

/** Files that many modules share, the first choice first: what Kit’s entry needs, what all pages begin with, what other pages share with the IDE, what connects it, the IDE alone, its editor. */
const PARTS = ['entry', 'start', 'pages', 'ahead', 'ide', 'code'] as const;
type Part = (typeof PARTS)[number];

/**
 * A page is a few files instead of a hundred: each file costs a request, and compresses better the longer it is.
 * @param web the folder of the web app
 */
export function fewFiles(web: string): Group[] {
  let parts: Map<string, Part> | null = null;
  // The server's half of the build, which nothing uses, has none.
  const partOf = (id: string, context: Context) => (parts ??= partsOf(web, context))?.get(id);
  return [
    ...PARTS.map((part, index) => ({
      name: (id: string, context: Context) => (partOf(id, context) === part ? part : null),
      priority: PARTS.length - index,
    })),
    // One file for each icon would be dozens of requests for a page.
    { name: 'icons', test: /@lucide[\\/]svelte/, minShareCount: 2 },
  ];
}

function partsOf(web: string, context: Context): Map<string, Part> | null {
  const made = join(web, '.svelte-kit/generated/build/client-optimized');
  // Those of kit: its app, then a module for each layout and page, the root's own first.
  const nodeAt = (index: number) => join(made, `nodes/${index}.js`);
  const [app, layout, error] = [join(made, 'app.js'), nodeAt(0), nodeAt(1)];
  if (context.getModuleInfo(app) === null) return null;
  const pages: Set<string>[] = [];
  for (let index = 2; context.getModuleInfo(nodeAt(index)) !== null; index++) pages.push(reachedFrom([nodeAt(index)], context));
  const has = (page: Set<string>, path: string) => [...page].some((id) => id.includes(path));
  const ide = pages.find((page) => has(page, '/lib/ide/IdePage.svelte')) ?? new Set();
  const others = pages.filter((page) => page !== ide);
  const front = others.filter((page) => has(page, '/routes/(public)/'));

  const parts = new Map<string, Part>();
  const put = (ids: Iterable<string>, part: Part) => {
    for (const id of ids) if (!parts.has(id)) parts.set(id, part);
  };
  // Runs before Kit loads what reads what it was handed: the two must not be one file. The entry itself stays one.
  const entry = reachedFrom([KIT_ENTRY], context);
  entry.delete(KIT_ENTRY);
  put(entry, 'entry');
  put(reachedFrom([app, layout, error], context), 'start');
  // Those before sign-in share so little with the IDE that does not come with every page, that a file of its own costs more.
  put(
    front.flatMap((page) => [...ide.intersection(page)]),
    'start',
  );
  put(
    others.flatMap((page) => [...ide.intersection(page)]),
    'pages',
  );
  put(reachedFrom([join(web, 'src/lib/ide/ahead.ts')], context), 'ahead');
  put(ide, 'ide');
  put(reachedFrom([join(web, 'src/lib/ide/editor/code-editor.ts')], context), 'code');
  return parts;
}

/** All that is loaded before these modules run. */
function reachedFrom(roots: readonly string[], context: Context): Set<string> {
  const reached = new Set(roots);
  for (const id of reached) for (const imported of context.getModuleInfo(id)?.importedIds ?? []) reached.add(imported);
  return reached;
}
