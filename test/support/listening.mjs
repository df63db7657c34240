/**
 * Lets a double's server listen.
 * @param {import('node:http').Server} server
 * @param {{ port: number, host: string }} where port 0 takes any free one
 */
export async function listening(server, { port, host }) {
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, () => resolve(undefined)));
  // A caller that is slow must not find the connection closed that it was about to use.
  server.keepAliveTimeout = 120_000;
  const address = server.address();
  const url = `http://${host}:${typeof address === 'object' ? address?.port : port}`;
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url, close };
}
