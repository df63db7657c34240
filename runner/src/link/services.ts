import type { ServiceRequest } from '@gatehouse/core/protocol/services.ts';
import type { HelperClient } from '../channel/helper-client.ts';
import { asServiceFailure } from '../service-failure.ts';
import type { Terminals } from '../terminals/terminals.ts';
import { FileStream } from './file-stream.ts';
import type { StreamPort, StreamService } from './stream.ts';
import { TerminalStream } from './terminal-stream.ts';

/** What a running workspace offers. */
export interface Services {
  terminals: Terminals;
  helper: HelperClient;
}

const fail = (port: StreamPort, error: unknown) => {
  const { code, message } = asServiceFailure(error);
  port.head({ ok: false, code, message });
};

/** A request whose whole answer is its head. */
const answer = (port: StreamPort, head: object) => {
  port.head(head);
  port.send({ type: 'fin' });
  port.done();
};

/** Opens the service that is asked for; one that goes on is handed to `opened`. */
export function openService(services: Services, request: ServiceRequest, port: StreamPort, opened: (service: StreamService) => void): void {
  const { terminals, helper } = services;
  const attach = (id: string, cols: number, rows: number, from: number) =>
    opened(new TerminalStream(port, terminals.find(id), { cols, rows }, from));
  try {
    switch (request.method) {
      case 'pty.open': {
        const { cols, rows, cwd = '', name } = request;
        terminals.open({ cols, rows }, cwd, name).then(
          (terminal) => attach(terminal.id, cols, rows, 0),
          (error: unknown) => fail(port, error),
        );
        return;
      }
      case 'pty.attach':
        return attach(request.terminalId, request.cols, request.rows, request.from);
      case 'pty.list':
        return answer(port, { ok: true, terminals: terminals.list() });
      case 'pty.rename':
        terminals.rename(request.terminalId, request.name);
        return answer(port, { ok: true });
      case 'pty.close':
        terminals.close(request.terminalId);
        return answer(port, { ok: true });
      default:
        return opened(new FileStream(port, helper, request));
    }
  } catch (error) {
    fail(port, error);
  }
}
