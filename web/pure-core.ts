import { join } from 'node:path';
import { parseSync, type Plugin } from 'vite';

/**
 * Core's constants, each made only where something uses it. They are schemas and tables, made without side effects, which a bundler can't
 * know: it would keep every schema of a file for the sake of one.
 * @param core its folder
 */
export function pureCore(core: string): Plugin {
  return {
    name: 'gatehouse:pure-core',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      if (!id.startsWith(join(core, '/')) || !id.endsWith('.ts')) return null;
      const marked = constantsIn(code, id).reduceRight(
        (text, { start, end }) => `${text.slice(0, start)}/* @__PURE__ */ (() => (${text.slice(start, end)}))()${text.slice(end)}`,
        code,
      );
      return { code: marked, map: null };
    },
  };
}

/** Where the values stand that a file gives its constants, in order. */
function constantsIn(code: string, file: string): { start: number; end: number }[] {
  return parseSync(file, code)
    .program.body.map((statement) => (statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement))
    .filter((declaration) => declaration?.type === 'VariableDeclaration')
    .flatMap(({ declarations }) => declarations)
    .flatMap(({ id, init }) => (id.type === 'Identifier' && init?.type.endsWith('Expression') && isMade(init.type) ? [init] : []));
}

/** A function or a plain value costs nothing to tell. */
const isMade = (type: string): boolean => !['ArrowFunctionExpression', 'FunctionExpression', 'ClassExpression'].includes(type);
