import { makeSecrets } from './secrets.ts';

// For a deployment: `npm run --silent secrets > .secrets.json && wrangler secret bulk .secrets.json`
console.log(JSON.stringify(makeSecrets(), null, 2));
