import type { Plugin } from 'vite';

const SERIALIZER = /[\\/]devalue[\\/]index\.js$/;

/** As the pages need it: what they keep with an entry of the history is plain, and they have no server of Kit. */
const PLAIN = `
const refuse = () => { throw new Error('Pages have no server of Kit (web/kit.ts)'); };
export const stringify = (value) => JSON.stringify(value);
export const parse = (text) => JSON.parse(text);
export { refuse as unflatten, refuse as uneval, refuse as stringifyAsync, refuse as DevalueError };
`;

/** Kit without what writes and reads the values that JSON has no words for. */
export function leanKit(): Plugin {
  return {
    name: 'gatehouse:lean-kit',
    apply: 'build',
    enforce: 'pre',
    applyToEnvironment: ({ name }) => name === 'client',
    transform: (_code, id) => (SERIALIZER.test(id) ? { code: PLAIN, map: null } : null),
  };
}
