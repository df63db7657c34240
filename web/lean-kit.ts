import type { Plugin } from 'vite';

const DEVALUE = /[\\/]devalue[\\/]index\.js$/;
const USED = ['parse', 'stringify', 'stringifyAsync', 'unflatten'];

/** Kit without what reads and writes the answers of a server of its own: these pages have none, they ask the API. */
export function leanKit(): Plugin {
  return {
    name: 'gatehouse:lean-kit',
    apply: 'build',
    enforce: 'pre',
    applyToEnvironment: ({ name }) => name === 'client',
    transform(_code, id) {
      if (!DEVALUE.test(id)) return null;
      const refuse = `const refuse = () => { throw new Error('These pages have no server of Kit’s (web/lean-kit.ts)'); };`;
      return { code: `${refuse}\nexport { ${USED.map((name) => `refuse as ${name}`).join(', ')} };`, map: null };
    },
  };
}
