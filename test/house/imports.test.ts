import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** The Worker's floors, the highest first. A file imports only from its own floor's folder and from below. */
const FLOORS = [
  'index',
  'app',
  'openapi',
  'gate',
  'middleware',
  'pages',
  'compose',
  'overview',
  'workspaces',
  'access',
  'scim',
  'sso',
  'providers',
  'identity',
  'directory',
  'audit',
  'platform',
];

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(
      (file) => /\.(ts|svelte)$/.test(file) && !/(^|\/)(node_modules|dist|build|\.svelte-kit)\//.test(file) && !file.endsWith('.d.ts'),
    )
    .map((file) => join(folder, file));
}

/** Specifiers that a file imports, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^'"\n;]*?(?:\n[^'"]*?)?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|^import\s+['"]([^'"]+)['"]/gm,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** The imported file relative to the root, if it is one of ours. */
function resolved(file: string, specifier: string): string | null {
  if (specifier.startsWith('@gatehouse/core/')) return specifier.replace('@gatehouse/', '');
  if (specifier.startsWith('#lib/')) return specifier.replace('#lib/', 'web/src/lib/');
  return specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : null;
}

const isTest = (file: string) => /\.test\.ts$/.test(file);
const product = ['core', 'worker', 'runner/src', 'web/src', 'cli'].flatMap(sourcesIn).filter((file) => !isTest(file));
const graph = new Map(product.map((file) => [file, importsOf(file).flatMap((specifier) => resolved(file, specifier) ?? [])]));

const floorOf = (file: string) => FLOORS.indexOf(file.split('/')[1]?.replace('.ts', '') ?? '');

describe('the house', () => {
  test('every part of the Worker stands on a known floor', () => {
    expect(product.filter((file) => file.startsWith('worker/') && floorOf(file) < 0)).toEqual([]);
  });

  test('the Worker imports only downwards', () => {
    const upward = [...graph].flatMap(([file, targets]) =>
      file.startsWith('worker/')
        ? targets.filter((target) => target.startsWith('worker/') && floorOf(target) < floorOf(file)).map((target) => `${file} → ${target}`)
        : [],
    );
    expect(upward).toEqual([]);
  });

  test('no capability reaches into another’s store', () => {
    const reaching = [...graph].flatMap(([file, targets]) =>
      targets
        .filter((target) => /\.store\.ts$|\/tables\.ts$/.test(target) && dirname(target) !== dirname(file))
        .map((target) => `${file} → ${target}`),
    );
    expect(reaching).toEqual([]);
  });

  test('core imports nothing of the others; the runner, the web app and the command only core', () => {
    const wrong = [...graph].flatMap(([file, targets]) => {
      const home = file.split('/')[0] ?? '';
      if (home === 'worker') return targets.filter((target) => /^(web|runner)\//.test(target)).map((target) => `${file} → ${target}`);
      return targets
        .filter((target) => !target.startsWith(`${home}/`) && !target.startsWith('core/'))
        .map((target) => `${file} → ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test('core depends on nothing but zod and small pure libraries', () => {
    const allowed = ['zod', 'uuid', 'typeid-js', 'ipaddr.js', 'jose/base64url', 'jose/jwk/thumbprint', 'jose/jwt/sign', 'yaml'];
    const foreign = product
      .filter((file) => file.startsWith('core/'))
      .flatMap((file) =>
        importsOf(file)
          .filter((specifier) => !specifier.startsWith('.') && !allowed.includes(specifier))
          .map((specifier) => `${file} → ${specifier}`),
      );
    expect(foreign).toEqual([]);
  });

  test('there is no circle', () => {
    const state = new Map<string, 'open' | 'done'>();
    const circles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') return void circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      state.set(file, 'open');
      for (const target of graph.get(file) ?? []) if (graph.has(target)) visit(target, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of graph.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });
});
