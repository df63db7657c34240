import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Fault } from './fault.ts';

export const USAGE = `Groups, roles, access lists and policy of an organisation as one YAML file.

Usage:
  gatehouse export [--out FILE]   write the file as things stand
  gatehouse plan FILE             show what applying it would change, and change nothing
  gatehouse apply FILE [--yes]    show that, ask, and change it
  gatehouse verify-audit --help   check an export of the audit log, offline

FILE is a path, or - for the standard input.

Options:
  --url URL           where Gatehouse runs; otherwise GATEHOUSE_URL
  --token-file FILE   file that holds the API token; otherwise GATEHOUSE_TOKEN
  --out FILE          where the export is written; otherwise the standard output
  --yes               apply without asking; needed where nobody can be asked
  --json              answer in JSON, for programs
  -h, --help          this text

Exit codes:
  0   done, or nothing to do
  1   it did not work, or only in part
  2   plan only: there are changes

What the file may say, and which scopes the token needs: docs/policy-as-code.md`;

export type Command =
  { name: 'export'; out: string | null } | { name: 'plan'; file: string } | { name: 'apply'; file: string; yes: boolean };

export interface Options {
  command: Command;
  json: boolean;
  origin: string;
  token: string;
}

/** @returns null when help was asked for. @throws Fault */
export function readOptions(args: string[], env: NodeJS.ProcessEnv): Options | null {
  const { values, positionals } = parsed(args);
  if (values.help) return null;
  const command = commandOf(values, positionals);
  return {
    ...{ command, json: values.json ?? false },
    origin: originOf(values.url ?? env['GATEHOUSE_URL']),
    token: tokenOf(values['token-file'], env['GATEHOUSE_TOKEN']),
  };
}

type Values = NonNullable<ReturnType<typeof parsed>>['values'];

function parsed(args: string[]) {
  const [text, flag] = [{ type: 'string' } as const, { type: 'boolean' } as const];
  const options = { url: text, 'token-file': text, out: text, yes: flag, json: flag, help: { ...flag, short: 'h' } };
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new Fault(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

function commandOf({ out, yes, json }: Values, [name, file, ...more]: string[]): Command {
  const wrong = (why: string) => new Fault(`${why}\n\n${USAGE}`);
  if (name === undefined) throw wrong('Say what to do.');
  if (name !== 'export' && name !== 'plan' && name !== 'apply') throw wrong(`There is no command ${name}.`);
  if (out !== undefined && name !== 'export') throw wrong('--out goes with export only.');
  if (json && name === 'apply' && !yes) throw wrong('With --json nobody is asked: look at the plan, then say --yes.');
  if (yes && name !== 'apply') throw wrong('--yes goes with apply only.');
  if (name === 'export') {
    if (file !== undefined) throw wrong(`export takes no file: say --out ${file}.`);
    return { name, out: out ?? null };
  }
  if (file === undefined || more.length > 0) throw wrong(`${name} takes one file.`);
  return name === 'plan' ? { name, file } : { name, file, yes: yes ?? false };
}

function originOf(url: string | undefined): string {
  if (!url) throw new Fault('Say where Gatehouse runs: --url https://gatehouse.example.com, or GATEHOUSE_URL.');
  if (!URL.canParse(url)) throw new Fault(`${url} is not a URL.`);
  const { protocol, hostname, origin } = new URL(url);
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if (protocol !== 'https:' && !(protocol === 'http:' && local)) throw new Fault('The URL must be https: the token would travel in clear.');
  return origin;
}

/** Never an argument: those stand in the list of processes and in histories. */
function tokenOf(file: string | undefined, fromEnvironment: string | undefined): string {
  const token = (file === undefined ? (fromEnvironment ?? '') : readText(file)).trim();
  if (token === '') {
    const where = file === undefined ? 'GATEHOUSE_TOKEN is not set' : `${file} is empty`;
    throw new Fault(`${where}. Make an API token (Account › API tokens, or that of a service account) and put it there.`);
  }
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Fault('What is there is no API token: it has characters that none has.');
  return token;
}

/** @param file a path, or - for the standard input. @throws Fault */
export function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new Fault(
      `${file === '-' ? 'The standard input' : file} can’t be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
    );
  }
}
