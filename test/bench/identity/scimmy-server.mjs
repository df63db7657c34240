/**
 * scimmy-routers on Express with a store in memory that keeps nothing, asks nobody and writes no trail: how fast SCIM can be at all.
 *   node scimmy-server.mjs FOLDER_OF_ITS_PACKAGES PORT
 */
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, port] = process.argv.slice(2);
const { resolve } = createRequire(join(folder, 'index.js'));
// Its routers and we must have the same scimmy: the module for import, not the one for require.
const load = async (name, file) => (await import(pathToFileURL(join(folder, 'node_modules', name, file)).href)).default;
const { default: express } = await import(pathToFileURL(resolve('express')).href);
const SCIMMY = await load('scimmy', 'dist/scimmy.js');
const SCIMMYRouters = await load('scimmy-routers', 'dist/routers.js');

// Bodies are held to this, too: all members of a large group come in one.
SCIMMY.Config.set({ bulk: { supported: true, maxPayloadSize: 4 * 2 ** 20 } });

/** @param key the attribute that is unique, and looked for */
function store(key) {
  const byId = new Map();
  const byKey = new Map();
  return {
    ingress: ({ id }, data) => {
      const name = data[key].toLowerCase();
      if (!id && byKey.has(name)) throw new SCIMMY.Types.Error(409, 'uniqueness', `There is ${name} already`);
      const kept = { ...JSON.parse(JSON.stringify(data)), id: id ?? randomUUID() };
      byId.set(kept.id, kept);
      byKey.set(name, kept.id);
      return kept;
    },
    egress: ({ id, filter }) => {
      if (id) return byId.get(id) ?? Promise.reject(new SCIMMY.Types.Error(404, null, 'There is none'));
      const [comparator, value] = filter?.length === 1 ? (filter[0][key] ?? []) : [];
      if (comparator === 'eq') return [byId.get(byKey.get(value.toLowerCase()))].filter(Boolean);
      return filter ? filter.match([...byId.values()]) : [...byId.values()];
    },
    degress: ({ id }) => void byId.delete(id),
  };
}

SCIMMY.Resources.declare(SCIMMY.Resources.User, store('userName'));
SCIMMY.Resources.declare(SCIMMY.Resources.Group, store('displayName'));

const handler = (request) => {
  if (request.header('Authorization') !== 'Bearer bench') throw new Error('Who is there?');
  return 'bench';
};
express()
  .use('/scim/v2', new SCIMMYRouters({ type: 'bearer', handler }))
  .listen(Number(port), '127.0.0.1');
