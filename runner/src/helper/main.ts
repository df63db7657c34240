import { readFileSync } from 'node:fs';
import process from 'node:process';
import { helperSettings, type HelperRequest } from '../channel/requests.ts';
import { ServiceFailure } from '../service-failure.ts';
import { AppCommands } from './apps/app-commands.ts';
import { later } from './apps/later.ts';
import { Listeners } from './apps/listeners.ts';
import { watchPorts } from './apps/ports-watch.ts';
import { listFolder } from './file-list.ts';
import { copyFile, renameFile } from './file-move.ts';
import { partOf } from './file-part.ts';
import { readFile } from './file-read.ts';
import { watchFiles } from './file-watch.ts';
import { writeFile } from './file-write.ts';
import { Door } from './door.ts';
import { endAll } from './end.ts';
import { openForwards } from './forwards.ts';
import type { RunningServers } from './lsp/open-server.ts';
import { deleteFile, makeFolder, statFile } from './files.ts';
import { Host, type Stream, type StreamEvents } from './host.ts';
import { watchStarter } from './starter.ts';
import { once } from './once.ts';
import { runTask } from './tasks.ts';
import { Terminals } from './terminals.ts';

/**
 * The program inside the sandbox: terminals, tasks and files of one workspace, for the runner that connects to its
 * socket. Its arguments are the file descriptor that listens, or the path at which it is to listen, and the settings' file.
 * Terminals outlive the runner.
 */

const [, , at = '', settingsPath = ''] = process.argv;
const settings = helperSettings.parse(JSON.parse(readFileSync(settingsPath, 'utf8')));
const { root } = settings;
const terminals = new Terminals(settings);
const listeners = new Listeners(settings.mark);
const commands = new AppCommands(settings);
const languageServers: RunningServers = new Set();

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

const keeper = once(async () => new (await import('./trash/trash.ts')).TrashKeeper(root));
const putInTrash = async (path: string) => (await import('./trash/trash.ts')).putInTrash(root, path, await keeper());

const findServerOf = async (path: string) => (await import('./lsp/find-server.ts')).serverOf(settings, path);

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
    case 'terminal.foreground':
      return answer(stream, { ok: true, program: terminals.find(request.terminalId).foreground });
    case 'terminal.note':
      terminals.note(request.text);
      return answer(stream, { ok: true });
    case 'task.run':
      return runTask(host, settings, request, stream);
    case 'app.request':
      return later(stream, async () => (await import('./apps/app-request.ts')).askApp(listeners, request, stream));
    case 'app.socket':
      return later(stream, async () => (await import('./apps/app-socket.ts')).joinApp(listeners, request, stream));
    case 'app.start':
      commands.start(request.apps);
      return answer(stream, { ok: true });
    case 'ports.watch':
      return watchPorts(listeners, stream);
    case 'files.list':
      return listFolder(root, request, stream);
    case 'files.stat':
      return answer(stream, statFile(root, request.path));
    case 'files.mkdir':
      return answer(stream, makeFolder(root, request.path));
    case 'files.rename':
      return answer(stream, renameFile(root, request.from, request.to));
    case 'files.copy':
      return answer(stream, copyFile(root, request.from, request.to));
    case 'files.part':
      return answer(stream, partOf(root, request));
    case 'trash.put':
      return answer(stream, putInTrash(request.path));
    case 'trash.list':
      return later(stream, async () => (await import('./trash/trash.ts')).listTrash(root, stream));
    case 'trash.restore':
      return answer(
        stream,
        import('./trash/trash.ts').then((trash) => trash.restoreFromTrash(root, request.name)),
      );
    case 'trash.delete':
      return answer(
        stream,
        import('./trash/trash.ts').then((trash) => trash.deleteFromTrash(root, request.name)),
      );
    case 'files.delete':
      return answer(stream, deleteFile(root, request.path, request.recursive));
    case 'files.read':
      return readFile(root, request, stream);
    case 'files.archive':
      return later(stream, async () => (await import('./archive/archive.ts')).sendArchive(root, request, stream));
    case 'files.write':
      return writeFile(root, request, stream);
    case 'search.text':
      return later(stream, async () => (await import('./search/text.ts')).searchText(root, request, stream));
    case 'search.files':
      return later(stream, async () => (await import('./search/file-list.ts')).searchFiles(root, stream));
    case 'tasks.list':
      return later(stream, async () => (await import('./tasks/list.ts')).listTasks(root, stream));
    case 'files.locate':
      return later(stream, async () => answer(stream, (await import('./locate.ts')).locateFiles(root, request)));
    case 'git.repositories':
    case 'git.watch':
    case 'git.status':
    case 'git.refs':
    case 'git.show':
    case 'git.log':
    case 'git.commit':
    case 'git.blame':
    case 'git.do':
      return later(stream, async () => (await import('./git/serve.ts')).serveGit(settings, request, stream));
    case 'lsp.servers':
      return answer(stream, findServerOf(request.path));
    case 'lsp.open':
      return later(stream, async () => (await import('./lsp/open-server.ts')).openServer(settings, languageServers, request, stream));
    case 'files.watch':
      return watchFiles(root, request.path, stream);
    default:
      throw new ServiceFailure('invalid', `The sandbox has no service ${request.method}`);
  }
}

openForwards(settings.forwards);
const door = new Door({
  at: at.startsWith('/') ? at : Number(at),
  graceMs: settings.graceMs,
  serve: (socket, keep) => new Host(socket, serve, keep),
  over: () => endAll(settings.mark),
});
watchStarter(() => door.abandoned());
