import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answerGit } from '../git-server.ts';

const LOOKUP = fileURLToPath(new URL('git-host-lookup.mjs', import.meta.url));
/** a private network’s, where an organisation’s own git server may be; nobody has it here */
const ADDRESS = '10.213.7.9';

export interface GitHost {
  /** bare repositories, one folder each (`team/app.git`) */
  root: string;
  /** what a runner’s environment says for it to find and believe the host */
  environment: Record<string, string>;
  stop(): Promise<void>;
}

/**
 * A git server of an organisation on this machine: HTTPS under a name of its own, for those who give the secret, to fetch and to push.
 * @param folder of its own @param who `user:secret`
 */
export async function serveGitHost(folder: string, name: string, who: string): Promise<GitHost> {
  const root = join(folder, 'repositories');
  mkdirSync(root, { recursive: true });
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  execFileSync('openssl', ['req', '-x509', ...curve, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const expected = `Basic ${Buffer.from(who).toString('base64')}`;
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    if (request.headers.authorization === expected) return answerGit(root, request, response, 'dev');
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end('who are you?');
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    root,
    environment: {
      NODE_OPTIONS: `--import ${LOOKUP}`,
      NODE_EXTRA_CA_CERTS: cert,
      GATEHOUSE_TEST_HOST: JSON.stringify({ name, address: ADDRESS, port }),
    },
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}
