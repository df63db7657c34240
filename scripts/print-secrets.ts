import { makeSecrets } from './secrets.ts';

// For a deployment: `npm run --silent secrets > .secrets.json && wrangler secret bulk .secrets.json`
// To change one key: `npm run --silent secrets -- CHECKPOINT_KEY`
const asked = process.argv.slice(2);
const secrets = Object.entries(makeSecrets());
const unknown = asked.filter((name) => !secrets.some(([known]) => known === name));
if (unknown.length > 0) {
  console.error(`There is no secret ${unknown.join(', ')}. Known: ${secrets.map(([name]) => name).join(', ')}`);
  process.exit(2);
}
console.log(JSON.stringify(Object.fromEntries(asked.length === 0 ? secrets : secrets.filter(([name]) => asked.includes(name))), null, 2));
