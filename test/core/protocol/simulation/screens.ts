import type { Screens } from '../../../../runner/src/terminals/screens/screens.ts';
import type { World } from './world.ts';

/** at most, in milliseconds */
const DRAWS = 30;
/** a state takes several messages at most */
const MOST_STATE = 100_000;

/**
 * Screens that draw nothing, but take their time for it. Their states say nothing: that real ones are right is shown
 * elsewhere, and that the output goes on at the right byte after one is what a simulation looks at.
 */
export function screensOf({ clock, chance }: Pick<World, 'clock' | 'chance'>): Screens {
  return {
    open: () => ({
      advance: async (take) => {
        await new Promise<void>((resolve) => clock.after(chance.between(1, DRAWS), resolve));
        take();
        return new Uint8Array(chance.between(0, chance.oneIn(8) ? MOST_STATE : 1000));
      },
      close: () => undefined,
    }),
  };
}
