import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import type { RunnerOpens, RunnerPolicy } from '@gatehouse/core/protocol/runner-policy.ts';
import { WorkspaceLink, type LinkContext } from '../link/workspace-link.ts';
import type { Sandbox } from '../sandbox/driver.ts';
import type { Terminals } from '../terminals/terminals.ts';
import { StartFailure } from './start-failure.ts';

/** the control link tells what these mean for the workspace */
const EXPECTED_ENDS: readonly (number | null)[] = [CLOSE_CODES.stopped.code, CLOSE_CODES.gone.code];

export interface Served {
  workspaceId: string;
  generation: number;
  sandbox: Sandbox;
  terminals: Terminals;
  /** in force now; null: it has not arrived yet */
  policy(): RunnerPolicy | null;
  /** the ways that the policy opens beside the IDE's; null: none */
  opens(): RunnerOpens | null;
}

/**
 * Dials the link of a running sandbox and serves those who come.
 * @param lost something takes the sandbox away while it should run
 * @returns the link; `taken` resolves once the platform has taken it, and rejects when that can't be any more
 */
export function serveSandbox(
  context: LinkContext,
  served: Served,
  lost: (why: StartFailure) => void,
): { link: WorkspaceLink; taken: Promise<void> } {
  const { workspaceId, generation, sandbox, terminals, policy, opens } = served;
  const hello = { workspaceId, generation, root: sandbox.root, sandbox: sandbox.kind };
  let [take, refuse]: [() => void, (error: Error) => void] = [() => undefined, () => undefined];
  const taken = new Promise<void>((resolve, reject) => ([take, refuse] = [resolve, reject]));
  // Where a sandbox is taken over, nobody waits.
  taken.catch(() => undefined);
  const services = { terminals, helper: sandbox.helper, policy, opens };
  const link = new WorkspaceLink(context, hello, services, {
    ready: take,
    refused: (why, code) => {
      refuse(new StartFailure('connection-refused', `The platform refused the workspace's connection: ${why}`));
      if (!EXPECTED_ENDS.includes(code))
        lost(new StartFailure('connection-refused', `The platform ended the workspace's connection: ${why}`));
    },
  });
  void sandbox.ended.then((why) => {
    const reason = sandbox.trouble()?.reason ?? 'killed';
    refuse(new StartFailure(reason, `The sandbox ended: ${why}`));
    lost(new StartFailure(reason, `The sandbox ended unexpectedly: ${why}`));
  });
  return { link, taken };
}
