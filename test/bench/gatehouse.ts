import type { Person } from '../../scripts/api.ts';
import type { System } from './shell.ts';
import { WorkspaceClient } from './workspace-client.ts';

/** Shells of a Gatehouse workspace, each over a connection of its own. */
export function gatehouse(
  product: { owner: Person; origin: string; workspaceId: string },
  onClient?: (client: WorkspaceClient) => void,
): System {
  return {
    name: 'gatehouse',
    open: async (onBytes) => {
      const client = await WorkspaceClient.connect(product.owner, product.origin, product.workspaceId);
      onClient?.(client);
      const { terminalId, stream } = await client.openTerminal({ cols: 120, rows: 40 }, onBytes);
      return {
        send: (bytes) => stream.write(bytes),
        pause: () => client.socket.pause(),
        resume: () => client.socket.resume(),
        close: async () => {
          client.socket.resume();
          await client.closeTerminal(terminalId).catch(() => undefined);
          await client.close();
        },
      };
    },
    stop: async () => undefined,
  };
}
