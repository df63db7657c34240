/** From loose to strict. */
export const EGRESS_MODES = ['open', 'allow-list', 'none'] as const;
export type EgressMode = (typeof EGRESS_MODES)[number];
