// A web app for tests, run inside a workspace: every way in which a tunnel can be used. Arguments: port, folder of `ws`.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { PIECE, pieceAt } from './numbered-bytes.mjs';

const [, , port = '5000', packages = import.meta.dirname] = process.argv;
const { WebSocketServer } = createRequire(`${packages}/`)('ws');

function download(request, response, size) {
  const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const [first, last] = [Number(from), to === '' ? size - 1 : Number(to)];
  const partial = request.headers.range !== undefined;
  response.writeHead(partial ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'content-length': last - first + 1,
    'accept-ranges': 'bytes',
    ...(partial ? { 'content-range': `bytes ${first}-${last}/${size}` } : {}),
  });
  if (request.method === 'HEAD') return response.end();
  let at = first;
  const more = () => {
    while (at <= last) {
      const start = at - (at % PIECE);
      const piece = pieceAt(start).subarray(at - start, Math.min(PIECE, last - start + 1));
      at += piece.byteLength;
      if (!response.write(piece)) return response.once('drain', more);
    }
    response.end();
  };
  more();
}

async function upload(request, response) {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of request) {
    hash.update(piece);
    size += piece.length;
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ size, sha256: hash.digest('hex') }));
}

function events(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let count = 0;
  const timer = setInterval(() => response.write(`data: ${++count}\n\n`), 50);
  response.on('close', () => clearInterval(timer));
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/download') return download(request, response, Number(url.searchParams.get('size') ?? 1024));
  if (url.pathname === '/upload') return upload(request, response);
  if (url.pathname === '/events') return events(response);
  if (url.pathname === '/echo') {
    const cookies = ['plain=1; Path=/', 'wide=1; Domain=localhost; Path=/', '__Host-gatehouse-app=stolen; Path=/; Secure'];
    response.setHeader('set-cookie', cookies);
    response.setHeader('cache-control', 'public, max-age=60');
    return response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers }));
  }
  if (url.pathname === '/away') return response.writeHead(302, { location: `http://localhost:${port}/echo?back` }).end();
  if (url.pathname === '/none') return response.writeHead(204).end();
  response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>Workshop</title><h1>Workshop</h1>`);
});
const sockets = new WebSocketServer({ server, handleProtocols: (offered) => (offered.has('echo') ? 'echo' : false) });
sockets.on('connection', (socket) => {
  socket.on('message', (message, binary) => {
    if (!binary && message.toString() === 'close') return socket.close(4321, 'as asked');
    socket.send(message, { binary });
  });
});
server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`workshop listens on ${port}\n`));
