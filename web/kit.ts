import type { Plugin } from 'vite';

const SERIALIZER = /[\\/]devalue[\\/]index\.js$/;

/** Kit without what reads and writes the data of a server of its own, which the pages don't have: theirs comes from the API. */
export function leanKit(): Plugin {
  return {
    name: 'gatehouse:lean-kit',
    apply: 'build',
    enforce: 'pre',
    applyToEnvironment: ({ name }) => name === 'client',
    transform(code, id) {
      if (!SERIALIZER.test(id)) return null;
      const names = [...code.matchAll(/export \{([^}]*)\}/g)].flatMap(([, list = '']) =>
        list.split(',').map((each) => each.trim().split(' ').at(-1)),
      );
      const refuse = `const refuse = () => { throw new Error('Pages have no server of Kit (web/kit.ts)'); };`;
      return { code: [refuse, ...names.map((name) => `export const ${name} = refuse;`)].join('\n'), map: null };
    },
  };
}
