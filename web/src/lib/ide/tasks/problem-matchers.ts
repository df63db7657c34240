import type { Problem, ProblemsByPath, Severity } from '../problems/problem.ts';

/** A problem as a tool printed it, with the file's name as it wrote it. */
export interface PrintedProblem extends Problem {
  name: string;
}

/** Of one task; what lies beyond nobody reads. */
export const MOST_PROBLEMS = 1000;
const MOST_LINE = 2000;

interface Matcher {
  tool: string;
  /** groups: name, line, column, severity, code, message */
  pattern: RegExp;
  severity?: Severity;
}

/** Paths begin with no space and hold none of the marks around them. */
const NAME = String.raw`(?=[^:(]*[A-Za-z_])(?<name>[^\s:()"'][^:()"'\n]{0,300}?)`;

/** Tools that say all on one line; the first that fits counts. */
const LINES: readonly Matcher[] = [
  {
    tool: 'tsc',
    pattern: new RegExp(
      String.raw`^${NAME}\((?<line>\d+),(?<column>\d+)\): (?<severity>error|warning|info) (?<code>TS\d+): (?<message>.+)$`,
    ),
  },
  {
    tool: 'tsc',
    pattern: new RegExp(String.raw`^${NAME}:(?<line>\d+):(?<column>\d+) - (?<severity>error|warning|info) (?<code>TS\d+): (?<message>.+)$`),
  },
  {
    // compact
    tool: 'ESLint',
    pattern: new RegExp(
      String.raw`^${NAME}: line (?<line>\d+), col (?<column>\d+), (?<severity>Error|Warning|Info) - (?<message>.+?)(?: \((?<code>[^()]+)\))?$`,
    ),
  },
  {
    // unix
    tool: 'ESLint',
    pattern: new RegExp(
      String.raw`^${NAME}:(?<line>\d+):(?<column>\d+): (?<message>.+?) \[(?<severity>Error|Warning)(?:/(?<code>[^\]]+))?\]$`,
    ),
  },
  {
    // gcc, clang, mypy, ruff with words
    tool: 'compiler',
    pattern: new RegExp(
      String.raw`^${NAME}:(?<line>\d+)(?::(?<column>\d+))?: (?<severity>fatal error|error|warning|note): (?<message>.+?)(?: \[(?<code>[^\]\s]+)\])?$`,
    ),
  },
  {
    // go build and vet, and what else writes so
    tool: 'compiler',
    pattern: new RegExp(String.raw`^(?:vet: )?${NAME}:(?<line>\d+):(?<column>\d+): (?:(?<code>[A-Z]{1,4}\d{2,4}) )?(?<message>\S.*)$`),
    severity: 'error',
  },
  {
    // go test, pytest's last line of a failure
    tool: 'test',
    pattern: new RegExp(String.raw`^\s*(?<name>[^\s:()"'][^:()"'\n]{0,300}?\.\w{1,5}):(?<line>\d+): (?<message>\S.*)$`),
    severity: 'error',
  },
];

const STYLISH = /^\s+(?<line>\d+):(?<column>\d+)\s+(?<severity>error|warning)\s+(?<message>.+?)(?:\s{2,}(?<code>[\w@/-]+))?$/;
const STYLISH_FILE = /^(?<name>(?:\/|\.{0,2}\/|[A-Za-z]:)?[\w@.[\]/ -]+\.\w{1,6})$/;
const RUST = /^(?<severity>error|warning)(?:\[(?<code>\w+)\])?: (?<message>.+)$/;
const RUST_PLACE = /^\s*--> (?<name>[^:]+):(?<line>\d+):(?<column>\d+)$/;
const PYTHON_PLACE = /^\s*File "(?<name>[^"]+)", line (?<line>\d+)/;
const PYTHON_ERROR = /^(?<code>[A-Z]\w*(?:Error|Exception|Warning|Interrupt|Exit))(?:: (?<message>.*))?$/;

const SEVERITIES: Record<string, Severity> = { 'fatal error': 'error', error: 'error', warning: 'warning', info: 'info', note: 'info' };

type Groups = Partial<Record<'name' | 'line' | 'column' | 'severity' | 'code' | 'message', string>>;

function problemOf(tool: string, groups: Groups, severity: Severity = 'error'): PrintedProblem {
  return {
    name: (groups.name ?? '').trim(),
    line: Math.max(1, Number(groups.line ?? 1)),
    column: Math.max(1, Number(groups.column ?? 1)),
    end: null,
    severity: SEVERITIES[groups.severity?.toLowerCase() ?? ''] ?? severity,
    message: groups.message?.trim() ?? groups.code ?? '',
    code: groups.code ?? null,
    tool,
  };
}

/** What tools that say it on several lines have said so far. */
interface Said {
  /** ESLint's name of the file that its next lines are about */
  file: string | null;
  rust: Groups | null;
  /** the last place of a Python traceback */
  place: Groups | null;
}

/** Finds what compilers, linters and tests complain about. */
export function problemsIn(lines: readonly string[]): PrintedProblem[] {
  const found: PrintedProblem[] = [];
  const said: Said = { file: null, rust: null, place: null };
  for (const line of lines) {
    if (found.length >= MOST_PROBLEMS) break;
    const text = line.slice(0, MOST_LINE).trimEnd();
    const problem = severalLines(text, said) ?? oneLine(text);
    if (problem !== null) found.push(problem);
  }
  return found;
}

function oneLine(text: string): PrintedProblem | null {
  for (const { tool, pattern, severity } of LINES) {
    const groups = pattern.exec(text)?.groups;
    if (groups !== undefined) return problemOf(tool, groups, severity);
  }
  return null;
}

function severalLines(text: string, said: Said): PrintedProblem | null {
  const rustPlace = RUST_PLACE.exec(text)?.groups;
  if (rustPlace !== undefined && said.rust !== null) {
    const problem = problemOf('rustc', { ...said.rust, ...rustPlace });
    said.rust = null;
    return problem;
  }
  const place = PYTHON_PLACE.exec(text)?.groups;
  if (place !== undefined) said.place = place;
  const error = said.place === null ? undefined : PYTHON_ERROR.exec(text)?.groups;
  if (error !== undefined) {
    const message = error['message'] ?? error['code'] ?? '';
    const problem = problemOf('Python', { ...said.place, ...error, message });
    said.place = null;
    return problem;
  }
  const stylish = said.file === null ? undefined : STYLISH.exec(text)?.groups;
  if (stylish !== undefined) return problemOf('ESLint', { ...stylish, name: said.file ?? '' });
  said.file = STYLISH_FILE.exec(text)?.groups?.['name'] ?? (text === '' ? null : said.file);
  said.rust = RUST.exec(text)?.groups ?? (text === '' ? null : said.rust);
  return null;
}

/** By path of the workspace; what is in no file of it is left out. @param pathOf null: no file */
export function byPath(printed: readonly PrintedProblem[], pathOf: (name: string) => string | null): ProblemsByPath {
  const files = new Map<string, Problem[]>();
  for (const { name, ...problem } of printed) {
    const path = pathOf(name);
    if (path !== null) files.set(path, [...(files.get(path) ?? []), problem]);
  }
  return files;
}
