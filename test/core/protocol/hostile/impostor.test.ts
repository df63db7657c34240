import { encodeControl, encodeFrame, decodeFrame, stampViewer } from '@gatehouse/core/protocol/frame.ts';
import { answerHandshake, prologueOf, startHandshake } from '@gatehouse/core/protocol/noise.ts';
import { generateKeyPair } from '@gatehouse/core/protocol/noise-state.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type Place } from '../simulation/platform.ts';
import { flipped, nth, Stage, type Message, VICTIM } from './stage.ts';

/** The viewer that comes after the victim, and one that never came. */
const SECOND = VICTIM + 1;
const ANOTHER = 9;
const pass = (message: Message): Message[] => [message];

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});

/** The same message as if it came from, or went to, another viewer. */
function named(message: Message, viewer: number): Message {
  const renamed = message.slice();
  stampViewer(renamed, viewer);
  return renamed;
}

async function expectSafe(closes: boolean, act: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = await Stage.play(place, act);
  expect([...stage.broken({ closes })]).toEqual([]);
}

describe('a broker that plays the runner', () => {
  const replacing = (position: number, ...forged: Message[]) =>
    expectSafe(true, (stage) =>
      stage.open(
        'to the page',
        nth(position, () => forged),
      ),
    );
  const clear = { sealed: false, viewer: VICTIM, stream: 0, offset: 0 } as const;

  test('E1: answers the handshake with a key of its own, and is not believed', async () => {
    const staticKey = await generateKeyPair();
    const prologue = prologueOf(place.workspaceId, VICTIM);
    const { message } = await startHandshake({ prologue, responderKey: staticKey.publicKey });
    const { reply } = await answerHandshake({ prologue, staticKey, message });
    await replacing(1, encodeFrame({ ...clear, type: 'handshake', payload: reply }));
  });

  test('E4: gives the page another number than the runner, and the two can’t agree', async () => {
    await replacing(0, encodeControl({ kind: 'welcome', viewer: ANOTHER }));
  });

  test('O4, E2: greets in the runner’s name, and leaves the handshake out', async () => {
    await replacing(1, encodeFrame({ ...clear, type: 'hello', payload: new TextEncoder().encode('{}') }));
  });

  test('O2: welcomes twice', async () => {
    const welcome = encodeControl({ kind: 'welcome', viewer: VICTIM });
    await replacing(3, welcome);
  });

  test('E13: seals what is its own', async () => {
    await replacing(3, flipped(encodeControl({ kind: 'mark', nonce: 1 }), 1));
  });
});

describe('a broker that plays a viewer', () => {
  /** What the victim's first connection said to the runner, while it worked as it should. */
  async function recorded(stage: Stage): Promise<Message[]> {
    const said: Message[] = [];
    await stage.open('to the runner', (message) => {
      said.push(message.slice());
      return [message];
    });
    await stage.simulation.world.pass(1000);
    stage.tamperWithLink(pass);
    expect(said.map((message) => decodeFrame(message).type).slice(0, 3)).toEqual(['handshake', 'hello', 'open']);
    return said;
  }

  async function say(stage: Stage, messages: Message[], viewer: number): Promise<void> {
    for (const message of messages) {
      stage.toRunner(named(message, viewer));
      await stage.simulation.world.pass(50);
    }
  }

  test('E4, E12: plays a whole connection again under another number, and lets nobody in', async () => {
    await expectSafe(false, async (stage) => say(stage, await recorded(stage), ANOTHER));
  });

  test('E6, E9: plays it again under the same number while its viewer is here, and that one is closed', async () => {
    await expectSafe(true, async (stage) => say(stage, await recorded(stage), VICTIM));
  });

  test('E12, O4: plays it again under the same number when its viewer has gone, and lets nobody in', async () => {
    await expectSafe(true, async (stage) => {
      const said = await recorded(stage);
      const { simulation, victim } = stage;
      stage.tamperWithLink((message) => (decodeFrame(message).type === 'control' ? [message] : []));
      simulation.leave(victim);
      await simulation.world.pass(100);
      stage.tamperWithLink(pass);
      await say(stage, said, VICTIM);
    });
  });

  test.each([0, 1, 2, 4])('E4, E6: exchanges what two viewers say, from message %i on', async (position) => {
    await expectSafe(true, async (stage) => {
      const seen = new Map<number, number>();
      const exchange = (message: Message): Message[] => {
        const { viewer } = decodeFrame(message);
        const count = seen.get(viewer) ?? 0;
        seen.set(viewer, count + 1);
        if (count < position || (viewer !== VICTIM && viewer !== SECOND)) return [message];
        return [named(message, VICTIM + SECOND - viewer)];
      };
      stage.tamperWithLink(exchange);
      stage.simulation.doomed.add(stage.simulation.open(stage.other.person));
      await stage.open('to the page', pass);
    });
  });
});
