import { DrivingRefused, type Crew } from '@gatehouse/core/protocol/crew.ts';
import type { RunnerOpens, RunnerPolicy } from '@gatehouse/core/protocol/runner-policy.ts';
import type { ServiceRequest } from '@gatehouse/core/protocol/services.ts';
import type { HelperClient } from '../channel/helper-client.ts';
import { asServiceFailure, ServiceFailure } from '../service-failure.ts';
import type { Terminals } from '../terminals/terminals.ts';
import { FileStream } from './file-stream.ts';
import type { Intake } from './intake.ts';
import { boundOf, clipboardBound, tooLarge } from './policy.ts';
import type { StreamPort, StreamService } from './stream.ts';
import { TerminalStream } from './terminal-stream.ts';

/** What a running workspace offers. */
export interface Services {
  terminals: Terminals;
  helper: HelperClient;
  /** in force now; null: it has not arrived yet */
  policy(): RunnerPolicy | null;
  /** the ways that the policy opens beside the IDE's; null: none */
  opens(): RunnerOpens | null;
}

/** Who asks. */
export interface Caller {
  viewer: number;
  /** of its tab and browser key: its input is counted by it */
  clientId: string;
  crew: Crew;
  /** what its person puts into terminals at once */
  intake: Intake;
}

/** SPEC P2: what only those do who drive. */
const DRIVERS_ONLY: ReadonlySet<ServiceRequest['method']> = new Set([
  'pty.open',
  'pty.rename',
  'pty.close',
  'files.write',
  'files.mkdir',
  'files.rename',
  'files.copy',
  'files.part',
  'files.delete',
  'git.do',
  'lsp.open',
  'trash.put',
  'trash.restore',
  'trash.delete',
] as const);

const WATCHING = 'You are watching: somebody else drives';

const fail = (port: StreamPort, error: unknown) => {
  const { code, message } = asServiceFailure(error instanceof DrivingRefused ? new ServiceFailure('refused', error.message) : error);
  port.head({ ok: false, code, message });
};

/** A request whose whole answer is its head. */
const answer = (port: StreamPort, head: object) => {
  port.head(head);
  port.send({ type: 'fin' });
  port.done();
};

/** Opens the service that is asked for; one that goes on is handed to `opened`. */
export function openService(
  services: Services,
  caller: Caller,
  request: ServiceRequest,
  port: StreamPort,
  opened: (service: StreamService) => void,
): void {
  const { terminals, helper } = services;
  const { crew, viewer, clientId, intake } = caller;
  const mayPut = (bytes: number) => {
    const most = clipboardBound(services.policy(), 'clipboardIn');
    return most === null || intake.take(bytes, most);
  };
  const attach = (id: string, size: { cols: number; rows: number }, from: number | null) => {
    const stream = new TerminalStream(port, terminals.find(id), { size, clientId, mayDrive: () => crew.mayDrive(viewer), mayPut });
    opened(stream);
    stream.start(from);
  };
  const mayRead = () => {
    if (boundOf(services.policy(), 'download') === 0)
      throw new ServiceFailure('refused', 'Your organisation’s policy lets nothing be read from files');
  };
  const act = (work: () => void) => {
    work();
    answer(port, { ok: true });
  };
  try {
    if (DRIVERS_ONLY.has(request.method) && !crew.mayDrive(viewer)) throw new ServiceFailure('refused', WATCHING);
    switch (request.method) {
      case 'pty.open': {
        const { cols, rows, cwd = '', name, key, task } = request;
        terminals
          .open({ cols, rows }, { cwd, name, key: `${clientId}.${key}`, task: task ?? null })
          .then((terminal) => attach(terminal.id, { cols, rows }, null))
          .catch((error: unknown) => fail(port, error));
        return;
      }
      case 'pty.attach':
        return attach(request.terminalId, { cols: request.cols, rows: request.rows }, request.from);
      case 'pty.list':
        return answer(port, { ok: true, terminals: terminals.list() });
      case 'pty.rename':
        return act(() => terminals.rename(request.terminalId, request.name, request.look));
      case 'pty.foreground':
        terminals.foreground(request.terminalId).then(
          (head) => answer(port, head),
          (error: unknown) => fail(port, error),
        );
        return;
      case 'pty.close':
        return act(() => terminals.close(request.terminalId));
      case 'drive.give':
        return act(() => crew.give(viewer, request.viewer));
      case 'drive.take':
        return act(() => crew.take(viewer));
      case 'drive.ask':
        return act(() => crew.ask(viewer, request.asks));
      case 'files.read':
      case 'files.archive':
        return opened(new FileStream(port, helper, request, { download: boundOf(services.policy(), 'download') }));
      case 'files.write': {
        const upload = boundOf(services.policy(), 'upload');
        if (upload !== null && request.size > upload) throw tooLarge('upload', upload);
        const ahead = request.part?.from ?? 0;
        return opened(new FileStream(port, helper, request, { upload: upload === null ? null : upload - ahead }));
      }
      case 'tasks.list':
      case 'search.text':
        // Both show what is in files, a line at a time.
        mayRead();
        return opened(new FileStream(port, helper, request));
      case 'git.show':
        return opened(new FileStream(port, helper, request, { download: boundOf(services.policy(), 'download') }));
      case 'lsp.open':
        // So does a language server, and whoever speaks to it makes it act.
        mayRead();
        return opened(new FileStream(port, helper, request, { refusal: () => (crew.mayDrive(viewer) ? null : WATCHING) }));
      case 'ports.watch':
        if (services.opens() === null) throw new ServiceFailure('refused', 'Web apps and ports are off by your organisation’s policy');
        return opened(new FileStream(port, helper, request));
      default:
        return opened(new FileStream(port, helper, request));
    }
  } catch (error) {
    fail(port, error);
  }
}
