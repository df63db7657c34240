import { GrantChecker } from '../../../../runner/src/link/grant.ts';
import { Reads } from '../../../../runner/src/link/reads.ts';
import { WorkspaceLink } from '../../../../runner/src/link/workspace-link.ts';
import type { SocketEvents } from '../../../../runner/src/connection/socket.ts';
import { Terminals } from '../../../../runner/src/terminals/terminals.ts';
import { silentLog } from '../../../../runner/test/support/mint.ts';
import type { Platform } from './platform.ts';
import type { Sandbox } from './sandbox.ts';
import { screensOf } from './screens.ts';
import type { End } from './wire.ts';
import { Windows } from './windows.ts';
import type { World } from './world.ts';

/** No terminal was lost before, and none is remembered. */
export const noMemory = { lost: [], keep: () => undefined };

/** The runner's end: its workspace link, over the terminals of a sandbox. */
export class Runner {
  readonly link: WorkspaceLink;
  /** of each link that it had */
  readonly windows: Windows[] = [];
  readonly #platform: Platform;
  #end: End | null = null;

  constructor(world: World, platform: Platform, sandbox: Sandbox, fault: (what: string) => void) {
    this.#platform = platform;
    const { place, workspaceId } = platform;
    const { clock, chance } = world;
    const timed = { now: () => clock.now(), after: clock.after.bind(clock), random: chance.next };
    const { keys, issuer, runnerId } = place;
    this.link = new WorkspaceLink(
      {
        dial: (path, events) => this.#dial(path, events),
        refusal: async () => null,
        clock: timed,
        log: silentLog,
        grants: new GrantChecker({ keys: issuer.keys, issuer: issuer.issuer, runnerId, clock: timed }),
        sign: keys.sign,
        agreement: keys.agreement,
        reads: new Reads(timed),
      },
      { workspaceId, generation: 1, root: '/home', sandbox: 'process' },
      {
        terminals: new Terminals(sandbox.helper, noMemory, screensOf(world)),
        helper: sandbox.helper,
        policy: () => ({}),
        opens: () => null,
      },
      { ready: () => undefined, refused: (why) => fault(`the link was refused: ${why}`) },
    );
  }

  /** the socket of its link */
  get end(): End | null {
    return this.#end;
  }

  #dial(path: string, events: SocketEvents) {
    const end = this.#platform.dialAsRunner(path, () => events.opened());
    this.#end = end;
    const windows = new Windows();
    this.windows.push(windows);
    end.received = (message) => {
      windows.received(message);
      if (typeof message === 'string') events.text(message);
      else events.binary(message);
    };
    end.closed = (code) => events.closed(code, '');
    return {
      send: (message: string | Uint8Array<ArrayBuffer>) => {
        windows.sent(message);
        end.send(message);
      },
      close: (code: number) => end.close(code),
      get buffered() {
        return end.buffered;
      },
    };
  }
}
