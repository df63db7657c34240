import { readFileSync } from 'node:fs';
import process from 'node:process';
import { helperSettings, type HelperRequest } from '../channel/requests.ts';
import { ServiceFailure } from '../service-failure.ts';
import { readFile } from './file-read.ts';
import { watchFiles } from './file-watch.ts';
import { writeFile } from './file-write.ts';
import { deleteFile, intoFrames, listFolder, makeFolder, renameFile, statFile } from './files.ts';
import { Host, type Stream, type StreamEvents } from './host.ts';
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

/** A long list goes in parts: the first in `head`, the others as messages. */
const list = async (stream: Stream, path: string): Promise<void> => {
  const { entries, truncated } = await listFolder(root, path);
  const [first = [], ...more] = intoFrames(entries);
  stream.head({ ok: true, entries: first, truncated });
  for (const part of more) stream.message({ kind: 'entries', entries: part });
  stream.fin();
};

function serve(request: HelperRequest, stream: Stream): StreamEvents {
  switch (request.method) {
    case 'terminal.spawn':
      return spawnTerminal(host, { root, environment }, request, stream);
    case 'task.run':
      return runTask(host, { root, environment }, request, stream);
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

const host = new Host(process.stdin, process.stdout, serve, () => process.exit(0));
host.announce({ kind: 'ready' });
