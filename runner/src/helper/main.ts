import { readFileSync } from 'node:fs';
import process from 'node:process';
import { helperSettings, type HelperRequest } from '../channel/requests.ts';
import { ServiceFailure } from '../service-failure.ts';
import { readFile } from './file-read.ts';
import { watchFiles } from './file-watch.ts';
import { writeFile } from './file-write.ts';
import { deleteFile, intoFrames, listFolder, makeFolder, renameFile, statFile } from './files.ts';
import { Door } from './door.ts';
import { endAll } from './end.ts';
import { Host, type Stream, type StreamEvents } from './host.ts';
import { runTask } from './tasks.ts';
import { Terminals } from './terminals.ts';

/**
 * The program inside the sandbox: terminals, tasks and files of one workspace, for the runner that connects to its
 * socket. Its arguments are the file descriptor that listens and the settings' file. Terminals outlive the runner.
 */

const [, , fd = '', settingsPath = ''] = process.argv;
const settings = helperSettings.parse(JSON.parse(readFileSync(settingsPath, 'utf8')));
const { root } = settings;
const terminals = new Terminals(settings);

const answer = (stream: Stream, work: object | Promise<object>): StreamEvents => {
  Promise.resolve(work).then(
    (head) => {
      stream.head(head);
      stream.fin();
    },
    (error: unknown) => stream.fail(error),
  );
  return {};
};

/** A long list goes in parts: the first in `head`, the others as messages. */
const list = async (stream: Stream, path: string): Promise<void> => {
  const { entries, truncated } = await listFolder(root, path);
  const [first = [], ...more] = intoFrames(entries);
  stream.head({ ok: true, entries: first, truncated });
  for (const part of more) stream.message({ kind: 'entries', entries: part });
  stream.fin();
};

function serve(request: HelperRequest, stream: Stream, host: Host): StreamEvents {
  switch (request.method) {
    case 'terminal.open':
      return terminals.open(request).attach(host, stream, 0);
    case 'terminal.attach':
      return terminals.find(request.terminalId).attach(host, stream, request.from);
    case 'terminal.list':
      return answer(stream, { ok: true, terminals: terminals.list });
    case 'terminal.close':
      terminals.close(request.terminalId);
      return answer(stream, { ok: true });
    case 'task.run':
      return runTask(host, settings, request, stream);
    case 'files.list':
      list(stream, request.path).catch((error: unknown) => stream.fail(error));
      return {};
    case 'files.stat':
      return answer(stream, statFile(root, request.path));
    case 'files.mkdir':
      return answer(stream, makeFolder(root, request.path));
    case 'files.rename':
      return answer(stream, renameFile(root, request.from, request.to));
    case 'files.delete':
      return answer(stream, deleteFile(root, request.path, request.recursive));
    case 'files.read':
      return readFile(root, request.path, stream);
    case 'files.write':
      return writeFile(root, request, stream);
    case 'files.watch':
      return watchFiles(root, request.path, stream);
    default:
      throw new ServiceFailure('invalid', `The sandbox has no service ${request.method}`);
  }
}

new Door({
  fd: Number(fd),
  graceMs: settings.graceMs,
  serve: (socket, keep) => new Host(socket, serve, keep),
  over: () => endAll(settings.mark),
});
