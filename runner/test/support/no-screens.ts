import type { Screens } from '../../src/terminals/screens/screens.ts';

/** For what needs no picture of a screen: none can be had, as when the parser has failed. */
export const noScreens: Screens = { open: () => ({ advance: async () => null, close: () => undefined }) };
