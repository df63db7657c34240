import { problem } from '@gatehouse/core/api/common.ts';
import { CONTROL_PATH } from '../control/control-link.ts';
import { messageOf } from '../failure.ts';
import { loadConfig, type RunnerConfig } from '../state/config.ts';
import type { StateFolder } from '../state/folder.ts';
import { runnerOf } from '../state/lock.ts';
import { failing, fine, warning, type Check } from './check.ts';

const WITHIN_MS = 10_000;
/** A grant is good for a minute: with half of it gone by a wrong clock, nobody gets in reliably. */
const SKEW_MS = { warn: 15_000, fail: 45_000 };
/** what answers a plain request to an address for WebSockets */
const UPGRADE_REQUIRED = 426;

export function checkEnrolment(folder: StateFolder): { check: Check; config: RunnerConfig | null } {
  try {
    const config = loadConfig(folder);
    const running = runnerOf(folder);
    const found = `${config.name} (${config.runnerId}) of ${config.tenant.name}${running === null ? ', not running' : `, running as process ${running}`}`;
    return { check: fine('enrolment', 'Enrolment', found), config };
  } catch (error) {
    return {
      check: failing('enrolment', 'Enrolment', messageOf(error), 'gatehouse-runner enroll, with a code from the Runners page.'),
      config: null,
    };
  }
}

/** Asks the platform as the runner would. @param token null: before the enrolment */
export async function checkPlatform(url: string, token: string | null, now: () => number = Date.now): Promise<Check[]> {
  let answer: Response;
  const began = performance.now();
  try {
    answer = await fetch(url + CONTROL_PATH, {
      ...(token === null ? {} : { headers: { authorization: `Bearer ${token}` } }),
      redirect: 'error',
      signal: AbortSignal.timeout(WITHIN_MS),
    });
  } catch (error) {
    const why = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    const remedy = 'Let this machine out to it by HTTPS, WebSockets included: look at name resolution, firewall, proxy and certificates.';
    return [failing('platform', 'Platform', `${url} does not answer: ${why}`, remedy)];
  }
  const took = Math.round(performance.now() - began);
  return [await reachOf(url, token, answer, took), clockOf(answer, now())];
}

async function reachOf(url: string, token: string | null, answer: Response, took: number): Promise<Check> {
  const found = `${url} answers within ${took} ms`;
  if (answer.ok || answer.status === UPGRADE_REQUIRED || token === null) return fine('platform', 'Platform', found);
  const fault = problem.safeParse(await answer.json().catch(() => null));
  if (!fault.success)
    return failing(
      'platform',
      'Platform',
      `${url} answers ${answer.status}, and not as Gatehouse does`,
      'Look at the address, and at proxies on the way.',
    );
  const isRefusal = [401, 403, 404, 410].includes(answer.status);
  const what = `${url} answers: ${fault.data.title}: ${fault.data.detail}`;
  if (!isRefusal) return fine('platform', 'Platform', found);
  return failing('platform', 'Platform', what, 'If an administrator removed this runner, enrol again with --force.');
}

function clockOf(answer: Response, now: number): Check {
  const theirs = Date.parse(answer.headers.get('date') ?? '');
  if (Number.isNaN(theirs)) return warning('clock', 'Clock', 'The platform does not tell its time', 'Look at proxies on the way.');
  // The header has whole seconds.
  const skew = Math.abs(now - theirs - 500) <= 1000 ? 0 : now - theirs;
  const found =
    skew === 0
      ? 'agrees with the platform’s'
      : `is ${(Math.abs(skew) / 1000).toFixed(0)} s ${skew > 0 ? 'ahead of' : 'behind'} the platform’s`;
  const remedy = 'Set it by NTP: timedatectl set-ntp true. Grants are good for a minute.';
  if (Math.abs(skew) > SKEW_MS.fail) return failing('clock', 'Clock', found, remedy);
  return Math.abs(skew) > SKEW_MS.warn ? warning('clock', 'Clock', found, remedy) : fine('clock', 'Clock', found);
}
