#!/usr/bin/env node
// The operator's commands: which organisations there are, suspending one, rebuilding its audit ledger, rotating the key of keys.
import { parseArgs } from 'node:util';

const USAGE = `Usage:
  npm run operator -- tenants list [--json]
  npm run operator -- tenants suspend <slug> --reason <why> [--json]
  npm run operator -- tenants activate <slug> [--json]
  npm run operator -- tenants rebuild-ledger <slug> [--json]
  npm run operator -- keys rotate [--json]

From the environment:
  GATEHOUSE_URL             where Gatehouse runs, e.g. https://gatehouse.example.com
  GATEHOUSE_OPERATOR_TOKEN  the deployment's OPERATOR_TOKEN`;

/** Something that whoever called this can put right; it is said without a stack. */
class Fault extends Error {
  /** @param {string} message @param {number} exitCode 2: wrongly called; 1: it did not work */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** @param {NodeJS.ProcessEnv} env */
function connectionFrom(env) {
  const { GATEHOUSE_URL: url, GATEHOUSE_OPERATOR_TOKEN: token } = env;
  if (!url) throw new Fault('GATEHOUSE_URL is not set.', 2);
  if (!URL.canParse(url)) throw new Fault('GATEHOUSE_URL is not a URL.', 2);
  const { protocol, hostname, origin } = new URL(url);
  const local = hostname === 'localhost' || hostname === '127.0.0.1';
  if (protocol !== 'https:' && !(protocol === 'http:' && local))
    throw new Fault('GATEHOUSE_URL must be https: the token would travel in clear.', 2);
  if (!token) throw new Fault('GATEHOUSE_OPERATOR_TOKEN is not set.', 2);
  return { origin, token };
}

/** Asks the operator's API; a problem document becomes its sentence. */
async function ask({ origin, token }, method, path, body) {
  const response = await fetch(`${origin}/api/v1/operator${path}`, {
    method,
    redirect: 'error',
    signal: AbortSignal.timeout(30_000),
    headers: { Authorization: `Bearer ${token}`, ...(body ? { 'Content-Type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  }).catch((error) => {
    throw new Fault(`${origin} does not answer: ${error.cause?.message ?? error.message}`);
  });
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  const fields = (answer?.errors ?? []).map((fault) => `\n  ${fault.path} ${fault.message}`).join('');
  const request = answer?.requestId ? ` (request ${answer.requestId})` : '';
  throw new Fault(`${answer?.detail ?? `${origin} answered ${response.status}, and not as Gatehouse does`}${request}${fields}`);
}

/** All organisations, over as many pages as there are. */
async function allTenants(connection) {
  const found = [];
  for (let cursor = ''; cursor !== null;) {
    const page = await ask(connection, 'GET', `/tenants?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    found.push(...page.items);
    cursor = page.nextCursor;
  }
  return found;
}

async function tenantNamed(connection, slug) {
  if (!slug) throw new Fault(`Which organisation? Give its slug.\n\n${USAGE}`, 2);
  const found = (await allTenants(connection)).find((tenant) => tenant.slug === slug);
  if (!found) throw new Fault(`There is no organisation ${slug}.`);
  return found;
}

/** @param {string[][]} rows the first one holds the headings */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const rowOf = ({ slug, state, name, region, shard, createdAt, id }) => [slug, state, name, region, shard, createdAt.slice(0, 10), id];
const HEADINGS = ['SLUG', 'STATE', 'NAME', 'REGION', 'SHARD', 'SINCE', 'ID'];

async function main(args, env) {
  const { values, positionals } = parseOptions(args);
  if (values.help) return USAGE;
  const [group, verb, slug, ...more] = positionals;
  if (group === 'keys' && verb === 'rotate' && slug === undefined) return rotateKeys(connectionFrom(env), values.json);
  const known = group === 'tenants' && ['list', 'suspend', 'activate', 'rebuild-ledger'].includes(verb);
  if (!known || more.length > 0 || (verb === 'list' && slug)) throw new Fault(USAGE, 2);
  if (verb === 'suspend' && !values.reason?.trim()) throw new Fault('Say why: --reason <why>. The organisation’s own log will show it.', 2);
  const connection = connectionFrom(env);
  if (verb === 'list') {
    const tenants = await allTenants(connection);
    return values.json ? JSON.stringify(tenants, null, 2) : table([HEADINGS, ...tenants.map(rowOf)]);
  }
  const { id } = await tenantNamed(connection, slug);
  if (verb === 'rebuild-ledger') {
    const rebuilt = await ask(connection, 'POST', `/tenants/${id}/ledger/rebuild`);
    return values.json ? JSON.stringify(rebuilt, null, 2) : rebuildingOf(slug, rebuilt);
  }
  const changed = await ask(connection, 'POST', `/tenants/${id}/${verb}`, verb === 'suspend' ? { reason: values.reason } : undefined);
  return values.json ? JSON.stringify(changed, null, 2) : `${changed.slug} is ${changed.state}.`;
}

/** Calls until nothing is left, or a call gets no further. */
async function rotateKeys(connection, json) {
  let done = 0;
  for (;;) {
    const answer = await ask(connection, 'POST', '/keys/rotate');
    done += answer.done;
    if (answer.left > 0 && answer.done > 0) {
      console.error(`${done} data keys wrapped, ${answer.left} to go …`);
      continue;
    }
    if (json) return JSON.stringify({ ...answer, done }, null, 2);
    if (answer.left === 0)
      return `All data keys are wrapped by key ${answer.version} (${done} now). KEK_FORMER and KEK_FORMER_VERSION can be removed.`;
    const why = answer.failed.map(({ tenant, why }) => `\n  ${tenant}: ${why}`).join('');
    throw new Fault(`${answer.left} data keys are still wrapped by another key. Keep KEK_FORMER.${why}`);
  }
}

const rebuildingOf = (slug, { state, recorded, fault }) =>
  [
    ...(fault ? [`It had stopped: ${fault}.`] : []),
    state === 'begun'
      ? `The audit ledger of ${slug} is being made anew from the archive. Ask again to see how far it is.`
      : `The audit ledger of ${slug} has ${recorded} events so far.`,
  ].join('\n');

function parseOptions(args) {
  try {
    const options = { reason: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } };
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new Fault(`${error.message}\n\n${USAGE}`, 2);
  }
}

try {
  console.log(await main(process.argv.slice(2), process.env));
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}
