import type { Plugin } from 'vite';

const SCHEMAS = /[\\/]zod[\\/]v4[\\/]classic[\\/]schemas\.js$/;
const TO_JSON_SCHEMA = /[\\/]zod[\\/]v4[\\/]core[\\/]to-json-schema\.js$/;

/**
 * Zod without what makes JSON schemas, which every schema holds on to and no page asks for, and without functions made of text, which
 * the content policy refuses. What it checks stays as it is.
 */
export function leanZod(): Plugin {
  return {
    name: 'gatehouse:lean-zod',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      if (SCHEMAS.test(id)) {
        const lean = code.replace(/^\s*inst\._zod\.processJSONSchema = .*;$/gm, '').replaceAll('$ZodObjectJIT', '$$ZodObject');
        return { code: lean, map: null };
      }
      if (!TO_JSON_SCHEMA.test(id)) return null;
      const names = [...code.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name);
      const refuse = `const refuse = () => { throw new Error('Pages make no JSON schemas (web/zod.ts)'); };`;
      return { code: [refuse, ...names.map((name) => `export const ${name} = () => refuse;`)].join('\n'), map: null };
    },
  };
}
