import type { EgressHappening } from '@gatehouse/core/protocol/runner-control.ts';
import { NO_NETWORK, type GitCredentials, type RunnerNetwork } from '@gatehouse/core/protocol/runner-policy.ts';
import { onTestFinished } from 'vitest';
import type { Outside } from '../../src/egress/outside.ts';
import { WayOut } from '../../src/egress/way-out.ts';
import type { Ways } from '../../src/egress/ways.ts';
import type { DriverKind, Sandbox } from '../../src/sandbox/driver.ts';
import { FakeClock } from './clock.ts';
import { Heard } from './heard.ts';
import { mintPlan, runIn, startSandbox } from './sandbox.ts';

export interface Limited {
  sandbox: Sandbox;
  /** what is in force; changed by a test as a new policy would */
  ways: Ways;
  credentials: GitCredentials;
  told: Heard<EgressHappening>;
  notices: Heard<string>;
  clock: FakeClock;
  folder: string;
  wayOut: WayOut;
  run(script: string): Promise<string>;
}

/** A real sandbox whose only way out leads into a world of doubles. */
export async function startLimited(
  outside: Outside,
  network: Partial<RunnerNetwork> = {},
  options: { kind?: DriverKind; mode?: Ways['mode']; environment?: Record<string, string>; takes?: () => boolean } = {},
): Promise<Limited> {
  const plan = mintPlan({ environment: options.environment ?? {} });
  const [told, notices, clock] = [new Heard<EgressHappening>(), new Heard<string>(), new FakeClock()];
  const limited = {
    ways: { mode: options.mode ?? 'allow-list', network: { ...NO_NETWORK, ...network } } as Ways,
    credentials: [] as GitCredentials,
    ...{ told, notices, clock, folder: plan.folder },
  };
  const wayOut = await WayOut.open(plan.folder, {
    outside,
    clock,
    ways: () => limited.ways,
    credentials: () => limited.credentials,
    tell: (happening) => {
      if (options.takes?.() === false) return false;
      told.push(happening);
      return true;
    },
    notice: (text) => notices.push(text),
    counts: { connections: 0, refused: 0 },
  });
  onTestFinished(() => wayOut.close());
  const sandbox = await startSandbox(options.kind ?? 'bubblewrap', { ...plan, network: wayOut.inside });
  return Object.assign(limited, { sandbox, wayOut, run: async (script: string) => (await runIn(sandbox, script)).output });
}
