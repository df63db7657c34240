import { execFileSync, spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Heard } from './heard.ts';
import { mintFolder } from './mint.ts';

export interface GitServer {
  /** answers a request as a git server does, with git's own program */
  serve(request: IncomingMessage, response: ServerResponse): void;
  /** what asked: method, address, and what it said of itself */
  asked: Heard<{ method: string; url: string; authorization: string }>;
  /** newest commit of a branch; '' when there is none */
  head(repository: string, branch?: string): string;
}

/** @param repositories each with one commit @param password which `dev` has to give; null: anybody may do everything */
export function makeGitServer(repositories: readonly string[], password: string | null = null): GitServer {
  const root = mintFolder();
  const git = (...args: string[]) => execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.test', ...args], { stdio: 'pipe' });
  for (const repository of repositories) {
    const work = mintFolder();
    git('init', '-q', '-b', 'main', work);
    git('-C', work, 'commit', '-q', '--allow-empty', '-m', `first of ${repository}`);
    git('clone', '-q', '--bare', work, join(root, `${repository}.git`));
    git('-C', join(root, `${repository}.git`), 'config', 'http.receivepack', 'true');
  }
  const asked: GitServer['asked'] = new Heard();
  const expected = password === null ? null : `Basic ${Buffer.from(`dev:${password}`).toString('base64')}`;
  return {
    asked,
    head: (repository, branch = 'main') => {
      try {
        return git('-C', join(root, `${repository}.git`), 'rev-parse', '-q', '--verify', branch)
          .toString()
          .trim();
      } catch {
        return '';
      }
    },
    serve: (request, response) => {
      const { authorization = '' } = request.headers;
      asked.push({ method: request.method ?? '', url: request.url ?? '', authorization });
      if (expected !== null && authorization !== expected)
        return void response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end('who are you?');
      runBackend(root, request, response);
    },
  };
}

/** git-http-backend, which speaks CGI. */
function runBackend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const { headers } = request;
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REMOTE_USER: 'dev',
      REQUEST_METHOD: request.method,
      PATH_INFO: path.endsWith('.git') ? path : path.replace(/^(\/[^/]+\/[^/.]+)(\/)/, '$1.git$2'),
      QUERY_STRING: query,
      CONTENT_TYPE: headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  let head: Buffer | null = Buffer.alloc(0);
  child.stdout.on('data', (piece: Buffer) => {
    if (head === null) return void response.write(piece);
    head = Buffer.concat([head, piece]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    const lines = head
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => line.split(': '));
    const status = lines.find(([name]) => name === 'Status')?.[1];
    response.writeHead(Number(status?.slice(0, 3) ?? 200), Object.fromEntries(lines.filter(([name]) => name !== 'Status')));
    response.write(head.subarray(end + 4));
    head = null;
  });
  child.stdout.on('end', () => response.end());
}
