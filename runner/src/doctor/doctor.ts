import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { findLimiter, type Limiter } from '../limits/limiter.ts';
import { findContainers, type Containers } from '../sandbox/container/find-containers.ts';
import { findParts } from '../sandbox/parts.ts';
import type { StateFolder } from '../state/folder.ts';
import { PLATFORM, VERSION } from '../version.ts';
import { failing, fine, type Check, type CheckState } from './check.ts';
import { checkContainers } from './containers.ts';
import {
  checkBubblewrap,
  checkFolder,
  checkHandles,
  checkKernel,
  checkLimits,
  checkNamespaces,
  checkNode,
  checkScope,
  checkSeccomp,
  checkTools,
  readHandles,
} from './machine.ts';
import { checkEgress, checkProxy, checkWebSocket } from './network.ts';
import { checkEnrolment, checkPlatform } from './platform.ts';

export interface Findings {
  version: string;
  platform: string;
  /** the worst of all */
  state: CheckState;
  checks: Check[];
}

/** What each driver can do on this machine, from what was found. */
function driversOf(bubblewrap: Check, { missing }: Pick<Containers, 'missing'>, { controls }: Pick<Limiter, 'controls'>): Check {
  const bounds = controls.length === 0 ? 'limits for each process' : `${controls.join(', ')} by cgroups`;
  const process = `process: ${bounds}, no isolation, no root file systems`;
  const container = missing !== null ? '' : 'container: isolation, images. ';
  if (bubblewrap.state !== 'ok')
    return failing('drivers', 'Drivers', container + process, 'Mend bubblewrap: templates that ask for it are refused.');
  return fine('drivers', 'Drivers', `bubblewrap: isolation, ${bounds}, disk measured, root file systems. ${container}${process}`);
}

const worst = (checks: Check[]): CheckState =>
  checks.some(({ state }) => state === 'failure') ? 'failure' : checks.some(({ state }) => state === 'warning') ? 'warning' : 'ok';

export interface Examining {
  /** of the platform, where it is not enrolled yet */
  url: string | undefined;
  /** socket of the container engine; undefined: it is looked for; `none` */
  engine: string | undefined;
  /** address of the running program, beside which its helper is */
  main: string;
}

/** Looks at everything that a runner needs. Nothing is changed. */
export async function examine(folder: StateFolder, { url, engine, main }: Examining): Promise<Findings> {
  const machine = [checkNode(), checkKernel(), checkTools(), checkNamespaces()];
  const limiter = findLimiter(`${folder.root} doctor`);
  limiter.close();
  const bubblewrap = checkBubblewrap();
  const place = existsSync(folder.root) ? folder.root : tmpdir();
  const containers = await findContainers(findParts(main), { engine, root: place });
  const { check: enrolment, config } = checkEnrolment(folder);
  const address = url ?? config?.url;
  const token = url === undefined ? (config?.token ?? null) : null;
  const platform = address === undefined ? [] : [...(await checkPlatform(address, token)), await checkWebSocket(address, token)];
  const checks = [
    ...[
      ...machine,
      bubblewrap,
      checkSeccomp(),
      checkScope(),
      checkEgress(bubblewrap.state === 'ok'),
      checkLimits(limiter),
      checkContainers(containers),
      driversOf(bubblewrap, containers, limiter),
    ],
    ...[checkHandles(readHandles()), checkFolder(folder.root), enrolment, ...checkProxy(), ...platform],
  ];
  return { version: VERSION, platform: PLATFORM, state: worst(checks), checks };
}

const SIGNS: Record<CheckState, string> = { ok: 'ok     ', warning: 'warning', failure: 'FAILURE' };
const CONCLUSIONS: Record<CheckState, string> = {
  ok: 'Everything that a runner needs is here.',
  warning: 'The runner works here, with less than it could do.',
  failure: 'The runner does not work here until this is mended.',
};

/** For people. */
export function textOf({ version, platform, state, checks }: Findings): string {
  const width = Math.max(...checks.map(({ title }) => title.length));
  const lines = checks.flatMap((check) => [
    `${SIGNS[check.state]}  ${check.title.padEnd(width)}  ${check.found}`,
    ...(check.remedy === null ? [] : [`${' '.repeat(SIGNS.ok.length + 2 + width + 2)}→ ${check.remedy}`]),
  ]);
  return `gatehouse-runner ${version} on ${platform}\n\n${lines.join('\n')}\n\n${CONCLUSIONS[state]}\n`;
}

export const EXIT_CODES: Record<CheckState, number> = { ok: 0, failure: 1, warning: 2 };
