import { readFileSync } from 'node:fs';
import process from 'node:process';
import { encodeJson } from '@gatehouse/core/protocol/frame.ts';
import { helperSettings, type HelperRequest } from '../channel/requests.ts';
import { ServiceFailure } from '../service-failure.ts';
import { readFile } from './file-read.ts';
import { watchFiles } from './file-watch.ts';
import { writeFile } from './file-write.ts';
import { deleteFile, listFolder, makeFolder, renameFile, statFile } from './files.ts';
import { Host, type Stream, type StreamEvents } from './host.ts';
import { sendPaced } from './paced.ts';
import { runTask } from './tasks.ts';
import { spawnTerminal } from './terminals.ts';

/**
 * The program inside the sandbox: terminals, tasks and files of one workspace, for the runner at the other end of
 * its standard input and output. It ends with the runner.
 */

const { root, environment } = helperSettings.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));

const answer = (stream: Stream, work: Promise<object>): StreamEvents => {
  work.then(
    (head) => {
      stream.head(head);
      stream.fin();
    },
    (error: unknown) => stream.fail(error),
  );
  return {};
};

/** The entries come behind the head: a long list would not fit into one frame. */
const list = async (path: string) => {
  const { entries, truncated } = await listFolder(root, path);
  return { head: { ok: true, truncated }, bytes: encodeJson(entries) };
};

function serve(request: HelperRequest, stream: Stream): StreamEvents {
  switch (request.method) {
    case 'terminal.spawn':
      return spawnTerminal(host, { root, environment }, request, stream);
    case 'task.run':
      return runTask(host, { root, environment }, request, stream);
    case 'files.list':
      return sendPaced(stream, () => list(request.path));
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

const host = new Host(process.stdin, process.stdout, serve, () => process.exit(0));
host.announce({ kind: 'ready' });
