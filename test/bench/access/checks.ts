import { shuffled, type Options, type Row } from '../measure.ts';
import { packageFolder } from '../peers.ts';
import { casbin, cedar, ours, type Engine } from './engines.ts';
import { makeOrganisation, makeQuestions, type Question } from './model.ts';

/** Larger ones make the peers' answers no slower: those are given what concerns one person and one template alone. */
const SIZE = { users: 2_000, groups: 500, templates: 1_000 };
const SEED = 4;

const say = (text: string) => process.stdout.write(`  ${text}\n`);

/**
 * Questions a second of the product's functions and of two engines from npm, on one model, in turns. A question is one check
 * of a template and one of a permission. Every answer is compared. @throws Error when two of them disagree
 */
export async function measureChecks({ rounds, quick, peers }: Options): Promise<Row[]> {
  const organisation = makeOrganisation(SIZE, SEED);
  const questions = makeQuestions(quick ? 20 : 200, organisation, SEED + 1);
  const folders = {
    casbin: await packageFolder('casbin', '5.51.1', peers, []),
    cedar: await packageFolder('@cedar-policy/cedar-wasm', '4.13.0', peers, []),
  };
  const engines = [
    ours(organisation, 'kept'),
    ours(organisation, 'walked'),
    ...(folders.casbin ? [casbin(folders.casbin, organisation)] : []),
    ...(folders.cedar ? [cedar(folders.cedar, organisation)] : []),
  ];
  if (engines.length < 4) say('casbin or cedar-wasm IS NOT INSTALLED (npm run bench -- access --peers): no figures of it.');
  const ready = await Promise.all(engines.map(async (engine) => ({ name: engine.name, check: await engine.prepare(questions) })));
  compare(ready, questions);
  const seconds = quick ? 0.2 : 2;
  const samples = new Map(ready.map(({ name }) => [name, [] as number[]]));
  for (const { check } of ready) checksASecond(check, questions, seconds / 2);
  for (let round = 0; round < rounds; round++)
    for (const { name, check } of shuffled(ready)) samples.get(name)?.push(checksASecond(check, questions, seconds));
  const rows = [...samples].map(([system, each]): Row => ({ bench: 'access', what: 'checks', system, unit: 'per second', samples: each }));
  return [...rows, ...ratioToFaster(rows)];
}

function compare(engines: Array<{ name: string; check: Awaited<ReturnType<Engine['prepare']>> }>, questions: readonly Question[]): void {
  const [first, ...others] = engines;
  let allowed = 0;
  for (const question of questions) {
    const expected = first?.check(question);
    allowed += Number(expected?.template) + Number(expected?.permission);
    for (const { name, check } of others) {
      const found = check(question);
      if (found.template !== expected?.template || found.permission !== expected.permission)
        throw new Error(`${name} and ${first?.name} disagree on ${JSON.stringify(question)}: ${JSON.stringify([found, expected])}`);
    }
  }
  say(`${engines.length} engines agree on ${questions.length * 2} answers, ${allowed} of them yes.`);
}

/** Whole rounds of the questions, for so long. */
function checksASecond(check: (question: Question) => unknown, questions: readonly Question[], seconds: number): number {
  const start = performance.now();
  let done = 0;
  do {
    for (const question of questions) check(question);
    done += questions.length;
  } while (performance.now() - start < seconds * 1000);
  return done / ((performance.now() - start) / 1000);
}

function ratioToFaster(rows: Row[]): Row[] {
  const isOwn = ({ system }: Row) => system.startsWith('gatehouse');
  const peers = rows.filter((row) => !isOwn(row));
  if (peers.length === 0) return [];
  return rows.filter(isOwn).map(({ system, samples }) => ({
    ...{ bench: 'access', what: 'checks: times the faster peer’s', system, unit: 'times' as const },
    samples: samples.map((each, round) => each / Math.max(...peers.map((peer) => peer.samples[round] ?? 0))),
  }));
}
