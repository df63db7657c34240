import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Sha256 } from '@gatehouse/core/audit/merkle.ts';
import { NoteFaulty, parseVerifierKey, type Verifier } from '@gatehouse/core/audit/note.ts';
import type { Verdict } from '@gatehouse/core/audit/verdict.ts';
import { verifyExport } from '@gatehouse/core/audit/verify.ts';
import { BadExport, exportIn } from './audit-export.ts';

/** Where a command writes. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

const USAGE = `Usage: gatehouse verify-audit <export> --key <verifier key> [options]

Checks an export of an audit log, or a copy of its archive, without asking the service: that every event is as it was
recorded, in its place, none missing and none added. Names the first one that is not.

  <export>              a file (NDJSON, gzip or not) or a folder like the archive
  --key <key>           verifier key (name+id+key) or a file of them; may be repeated
  --checkpoint <file>   a checkpoint that you kept: the log must lead to it; may be repeated
  --whole               the log must begin with its first event and have no gaps
  --json                the result as JSON

Exit codes: 0 as recorded, 1 not, 2 wrongly called or nothing to read`;

class Misuse extends Error {}

/** @returns the exit code */
export async function verifyAudit(argv: string[], io: Output): Promise<number> {
  try {
    const asked = optionsOf(argv);
    if (asked === null) {
      io.out(`${USAGE}\n`);
      return 0;
    }
    const verifiers = (await Promise.all(asked.keys.map(verifiersOf))).flat();
    const checkpoints = await Promise.all(asked.checkpoints.map((file) => readText(file, 'checkpoint')));
    if (!existsSync(asked.path)) throw new Misuse(`There is no ${asked.path}`);
    const source = await exportIn(asked.path, verifiers);
    const verdict = await verifyExport(source.lines, {
      sha256,
      verifiers,
      checkpoints: [...source.checkpoints, ...checkpoints],
      whole: asked.whole,
    });
    const { leftOut } = source;
    if (asked.json) io.out(`${JSON.stringify({ ...verdict, leftOut }, null, 2)}\n`);
    else
      (verdict.ok ? io.out : io.err)(
        `${[...inWords(verdict), ...leftOut.map((file) => `  not read: ${file}, a larger file has its events`)].join('\n')}\n`,
      );
    return verdict.ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Misuse || error instanceof BadExport)) throw error;
    io.err(`${error.message}\n`);
    return 2;
  }
}

function optionsOf(argv: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        key: { type: 'string', multiple: true, default: [] },
        checkpoint: { type: 'string', multiple: true, default: [] },
        whole: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return null;
    const [path, ...more] = positionals;
    if (path === undefined || more.length > 0) throw new Misuse(`Which export? Give one file or folder.\n\n${USAGE}`);
    if (values.key.length === 0) throw new Misuse(`Whose signature is to be believed? Give --key.\n\n${USAGE}`);
    return { path, keys: values.key, checkpoints: values.checkpoint, whole: values.whole, json: values.json };
  } catch (error) {
    if (error instanceof Misuse) throw error;
    throw new Misuse(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

/** A verifier key itself, or a file with one on each line. */
async function verifiersOf(given: string): Promise<Verifier[]> {
  const text = existsSync(given) ? await readText(given, 'key') : given;
  const keys = text.split('\n').filter((line) => line.trim() !== '');
  if (keys.length === 0) throw new Misuse(`There is no key in ${given}`);
  return Promise.all(
    keys.map((key) =>
      parseVerifierKey(key).catch((error: unknown) => {
        throw error instanceof NoteFaulty ? new Misuse(`--key ${given}: ${error.message}`) : error;
      }),
    ),
  );
}

async function readText(file: string, what: string): Promise<string> {
  const facts = await stat(file).catch(() => null);
  if (!facts?.isFile()) throw new Misuse(`--${what}: there is no file ${file}`);
  if (facts.size > 1_000_000) throw new Misuse(`--${what}: ${file} is too large to be one`);
  return readFile(file, 'utf8');
}

const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

const inWords = (verdict: Verdict): string[] => [headline(verdict), ...facts(verdict)];

function headline({ fault, kind, events, first, last }: Verdict): string {
  if (fault) {
    const place = fault.file === null ? '' : `\n  at ${fault.file}, line ${fault.line}`;
    return `NOT AS RECORDED: ${fault.message}.${place}`;
  }
  if (kind === 'selection') return `As recorded: ${count(events, 'chosen event')}, from ${first} to ${last}.`;
  return events === 0
    ? 'As recorded: the log is empty.'
    : `As recorded: ${count(events, 'event')}, ${first} to ${last}, none missing, none added.`;
}

function facts({ ok, origin, kind, first, erased, provenTo, unrecognised }: Verdict): string[] {
  const lines = origin === null ? [] : [`  log         ${origin}`];
  if (ok) lines.push(`  checkpoint  of ${count(provenTo, 'event')}`);
  if (ok && kind === 'selection') lines.push('  What stands between the chosen events is not part of it.');
  if (ok && kind === 'log' && first !== null && first > 1) lines.push(`  The events 1 to ${first - 1} are not part of it.`);
  const more = erased.count > erased.seqs.length ? ', …' : '';
  if (erased.count > 0) lines.push(`  ${count(erased.count, 'event')} with erased contents: ${erased.seqs.join(', ')}${more}`);
  if (unrecognised > 0) lines.push(`  ${count(unrecognised, 'checkpoint')} signed by other keys than those given: they count for nothing.`);
  return lines;
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
