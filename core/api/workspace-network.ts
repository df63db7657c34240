import { z } from 'zod';
import { EGRESS_MODES } from '../access/egress-modes.ts';
import { tcpResource } from './template-network.ts';

/** What programs in a workspace may reach now. The lists count while egress is an allow-list. */
export const workspaceNetwork = z.object({
  egress: z.enum(EGRESS_MODES),
  hosts: z.array(z.string()),
  git: z.object({ fetch: z.array(z.string()), push: z.array(z.string()) }),
  /** `variable` holds the address inside the workspace */
  resources: z.array(tcpResource.extend({ variable: z.string(), address: z.string() })),
});
export type WorkspaceNetwork = z.infer<typeof workspaceNetwork>;

const FIRST_RESOURCE_PORT = 21_001;

/** Variable and loopback address of a resource inside a workspace. @param index in the template's list */
export const resourceInside = ({ name }: { name: string }, index: number) => ({
  variable: `GATEHOUSE_TCP_${name.toUpperCase().replaceAll('-', '_')}`,
  port: FIRST_RESOURCE_PORT + index,
});
