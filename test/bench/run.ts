import { join, resolve } from 'node:path';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { build } from '../../scripts/build.ts';
import { measureAccess } from './access/access.ts';
import { measureApi, measureTrail } from './api.ts';
import { AUDIT_PARTS, measureAudit } from './audit/audit.ts';
import { measureAuditPage } from './audit-page.ts';
import { IDE_PARTS, measureIde } from './ide/ide.ts';
import { IDENTITY_PARTS, measureIdentity } from './identity/identity.ts';
import { type Options, type Row, within } from './measure.ts';
import { measurePages } from './page.ts';
import { freePort, ROOT } from '../support/place.ts';
import { type Product, startProduct } from './product.ts';
import { machineFacts, tableOf, writeReport } from './report.ts';
import { measureStart } from './start.ts';
import { measureTerminals, PARTS } from './terminals/terminal.ts';
import { measureWorkspace, WORKSPACE_PARTS } from './workspace/workspace.ts';

const USAGE = `npm run bench [-- start|audit|audit-page|identity|api|trail|access|terminal|workspace|page|ide …] [--part p] [--rounds n] [--quick] [--peers]

Measures the built product on this machine and prints one table; every sample goes to dist/bench.json.
--part   of terminal: ${PARTS.join(', ')}; of audit: ${AUDIT_PARTS.join(', ')}; of workspace: ${WORKSPACE_PARTS.join(', ')}; of ide: ${IDE_PARTS.join(', ')}; of identity: ${IDENTITY_PARTS.join(', ')}; may be repeated
--events n  of audit and audit-page: how many are very many (1000000)
--users n, --groups n  of identity: the organisation that is provisioned (9999 and 500)
--quick  whether it all works: few samples, small files
--peers  installs wetty, casbin, cedar-wasm, pg, scimmy-routers and code-server from npm to be measured beside it
TTYD names the ttyd program where it is not on the path.`;

/** Those with a product run on one product, one after the other. */
const ALONE = { start: measureStart, audit: measureAudit, 'audit-page': measureAuditPage, identity: measureIdentity };
const ON_PRODUCT = {
  api: measureApi,
  trail: measureTrail,
  access: measureAccess,
  terminal: measureTerminals,
  workspace: measureWorkspace,
  page: measurePages,
  ide: measureIde,
};
const NAMES = [...Object.keys(ALONE), ...Object.keys(ON_PRODUCT)];

/** Seconds after which one benchmark is given up. */
const LONGEST = 3600;

const say = (text: string) => process.stdout.write(`${text}\n`);

function settings(): Options & { benches: string[] } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      // As it was called before benches could simply be named.
      only: { type: 'string', multiple: true, default: [] },
      part: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '5' },
      events: { type: 'string' },
      users: { type: 'string' },
      groups: { type: 'string' },
      quick: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    say(USAGE);
    process.exit(0);
  }
  const benches = [...positionals, ...values.only].map((name) => (NAMES.includes(name) ? name : name.replace(/s$/, '')));
  refuseUnknown('bench', benches, NAMES);
  refuseUnknown('part', values.part, [...PARTS, ...AUDIT_PARTS, ...WORKSPACE_PARTS, ...IDE_PARTS, ...IDENTITY_PARTS]);
  const { quick, peers, part: parts } = values;
  const rounds = numberOf('rounds', values.rounds, 1, 100);
  const events = numberOf('events', values.events ?? (quick ? '20000' : '1000000'), 20_000, Number.MAX_SAFE_INTEGER);
  // The owner is one of 10,000 people whom an organisation may have; of 1,000 groups a hundred and some are made later.
  const users = numberOf('users', values.users ?? (quick ? '200' : '9999'), 2, 9_999);
  const groups = numberOf('groups', values.groups ?? (quick ? '10' : '500'), 2, 800);
  if (users < groups) throw new Error('There must be as many --users as --groups, so that each group has somebody');
  return { benches: benches.length === 0 ? NAMES : benches, rounds, quick, peers, parts, events, users, groups };
}

function numberOf(name: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new Error(`--${name} must be a number from ${min} to ${max}`);
}

function refuseUnknown(kind: string, names: string[], known: string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`There is no ${kind} ${unknown}, only ${known.join(', ')}`);
}

async function measure({ benches, ...options }: ReturnType<typeof settings>, onProduct: (product: Product) => void): Promise<Row[]> {
  const rows: Row[] = [];
  const run = async (name: string, work: () => Promise<Row[]>) => {
    say(`Measuring ${name} …  (load ${loadavg()[0]?.toFixed(2)})`);
    try {
      rows.push(...(await within(LONGEST, name, work())));
    } catch (error) {
      // What the others measured is still worth having.
      process.exitCode = 1;
      process.stderr.write(`\n  ${name} FAILED: ${error instanceof Error ? error.message : String(error)}\n\n`);
    }
  };
  for (const [name, work] of Object.entries(ALONE)) if (benches.includes(name)) await run(name, () => work(options));
  const wanted = Object.entries(ON_PRODUCT).filter(([name]) => benches.includes(name));
  if (wanted.length === 0) return rows;
  const product = await startProduct(await freePort());
  onProduct(product);
  for (const [name, work] of wanted) await run(name, () => work(product, options));
  return rows;
}

async function main(): Promise<void> {
  const chosen = settings();
  const machine = machineFacts();
  await build(ROOT, (part) => say(`Building the ${part} …`));
  let product: Product | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void Promise.resolve(product?.end()).finally(() => process.exit(1)));
  }
  try {
    const rows = await measure(chosen, (started) => (product = started));
    const file = join(resolve(ROOT, 'dist'), 'bench.json');
    await writeReport(file, machine, rows);
    say(`\n${tableOf(rows)}\n`);
    say(`${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB, Node ${machine.node}, commit ${machine.commit}`);
    say(`Load at the start ${machine.loadAtStart.join(' ')}. Every sample: ${file}`);
  } finally {
    await product?.end();
  }
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
