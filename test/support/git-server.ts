import { execFileSync, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';

/**
 * A bare clone of a repository, served read-only by `git http-backend`, git's own CGI program, on loopback.
 * @param before each request is answered
 */
export async function serveGit(
  repository: string,
  folder: string,
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<{ url: string; stop(): Promise<void> }> {
  execFileSync('git', ['clone', '--quiet', '--bare', repository, join(folder, 'project.git')]);
  const server = createServer((request, response) => void before().then(() => answerGit(folder, request, response)));
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/project.git`,
    stop: () => new Promise((stopped) => server.close(() => stopped())),
  };
}

/**
 * Answers as a git server does, with git’s own CGI program.
 * @param root folder of the bare repositories @param who pushes; left out: nobody may
 */
export function answerGit(root: string, request: IncomingMessage, response: ServerResponse, who?: string): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const { headers } = request;
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathname.replace(/(\.git)?(\/(info\/refs|git-upload-pack|git-receive-pack))$/, '.git$2'),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      HTTP_GIT_PROTOCOL: headers['git-protocol']?.toString() ?? '',
      ...(who === undefined ? {} : { REMOTE_USER: who }),
    },
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf('\r\n\r\n');
    const lines = output
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string]);
    const status = lines.find(([name]) => name === 'Status')?.[1];
    response.writeHead(status ? Number.parseInt(status) : 200, Object.fromEntries(lines.filter(([name]) => name !== 'Status')));
    response.end(output.subarray(end + 4));
  });
}
