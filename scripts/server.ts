import { createWriteStream } from 'node:fs';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { localSecrets } from './secrets.ts';
import { claimState } from './state-claim.ts';

export interface ServerOptions {
  /** the repository */
  root: string;
  port: number;
  /** everything that must survive a restart: databases, objects, archive, secrets */
  stateDir: string;
  /** folder of the built Worker, where that is another than the product's own */
  workerDir?: string;
  /** settings beside wrangler.toml's, for tests */
  bindings?: Record<string, string>;
  /** milliseconds between runs of the cron; a minute as the platform has it, less for tests */
  cronMs?: number;
}

export interface Server {
  origin: string;
  operatorToken: string;
  /** the archive's bucket, as an auditor would read it */
  archive(): ReturnType<Miniflare['getR2Bucket']>;
  /** one of the databases */
  database(binding: keyof typeof DATABASES): ReturnType<Miniflare['getD1Database']>;
  stop(): Promise<void>;
}

const CRON_MS = 60_000;
const REVIVE_MS = 100;

/** bindings, and where the migrations of each are */
const DATABASES = { DIRECTORY: 'migrations/directory', SHARD_0: 'migrations/shard' } as const;

/**
 * The built Worker in workerd, with everything it is deployed with: D1, objects, queues, R2, assets, cron.
 * @throws Error when the port is taken, or the state in use
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const runtimeEnv = await claimState(options.stateDir);
  await refuseTakenPort(options.port);
  await mkdir(options.stateDir, { recursive: true });
  const origin = `http://localhost:${options.port}`;
  const secrets = await localSecrets(join(options.stateDir, 'secrets.json'));
  // What a deployment starts without is open to whoever tries the product on their own machine.
  const bindings = { ...secrets, ENVIRONMENT: 'local', ORIGIN: origin, POLICY_PORTS: 'tenant', ...options.bindings };
  const settings = { ...(await miniflareOptions(options, bindings)), unsafeRuntimeEnv: runtimeEnv };
  const miniflare = new Miniflare(settings);
  await miniflare.ready;
  await migrate(options.root, miniflare);
  // After a crash workerd is a new one, so the Worker is asked for each time.
  const cron = setInterval(
    () =>
      void miniflare
        .getWorker()
        .then((worker) => worker.scheduled({ cron: '* * * * *' }))
        .catch(() => undefined),
    options.cronMs ?? CRON_MS,
  );
  const rest = keepAlive(miniflare, settings);
  return {
    origin,
    operatorToken: secrets.OPERATOR_TOKEN,
    archive: () => miniflare.getR2Bucket('AUDIT_ARCHIVE'),
    database: (binding) => miniflare.getD1Database(binding),
    stop: async () => {
      clearInterval(cron);
      rest();
      await miniflare.dispose();
    },
  };
}

/**
 * Miniflare replaces a workerd that dies, and gives up when the new one dies before it serves: then it is asked for
 * another, once at a time, because to ask ends the one that is there. @returns what ends this
 */
function keepAlive(miniflare: Miniflare, settings: Parameters<Miniflare['setOptions']>[0]): () => void {
  let timer: NodeJS.Timeout;
  let over = false;
  const look = async () => {
    await miniflare.ready.catch(() => (over ? undefined : miniflare.setOptions(settings))).catch(() => undefined);
    if (!over) timer = setTimeout(look, REVIVE_MS);
  };
  void look();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

async function miniflareOptions(
  { root, port, stateDir, workerDir = join(root, 'dist/worker') }: ServerOptions,
  bindings: Record<string, string>,
) {
  // Wrangler reads its settings when it is loaded.
  Object.assign(process.env, {
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_SEND_ERROR_REPORTS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  });
  const { unstable_getMiniflareWorkerOptions } = await import('wrangler');
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(root, 'wrangler.toml'));
  const script = join(workerDir, 'index.js');
  const log = createWriteStream(join(stateDir, 'worker.log'), { flags: 'a' });
  return convertV4MiniflareOptions({
    host: '127.0.0.1',
    port,
    cf: false,
    logRequests: false,
    // The Worker's lines and workerd's own go into a file; what matters to a person is said by the start script.
    handleStructuredLogs: ({ level, message, timestamp }) => log.write(`${new Date(timestamp).toISOString()} ${level} ${message}\n`),
    resourcePersistencePath: stateDir,
    workers: [
      {
        ...workerOptions,
        name: 'gatehouse',
        modulesRoot: workerDir,
        modules: [{ type: 'ESModule', path: script, contents: await readFile(script, 'utf8') }, ...(await dataIn(workerDir))],
        bindings: { ...(workerOptions.bindings ?? {}), ...bindings },
      },
    ],
  });
}

/** Files of bytes that the built Worker imports. */
async function dataIn(folder: string) {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.bin'));
  return Promise.all(
    names.map(async (name) => ({ type: 'Data' as const, path: join(folder, name), contents: await readFile(join(folder, name)) })),
  );
}

/** Applies to each database the migrations that it has not had, in order. */
async function migrate(root: string, miniflare: Miniflare): Promise<void> {
  for (const [binding, folder] of Object.entries(DATABASES)) {
    const database = await miniflare.getD1Database(binding);
    await database.exec(
      'CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)',
    );
    const { results } = await database.prepare('SELECT name FROM d1_migrations').all<{ name: string }>();
    const applied = new Set(results.map(({ name }) => name));
    for (const name of (await readdir(join(root, folder))).filter((file) => file.endsWith('.sql')).sort()) {
      if (applied.has(name)) continue;
      const sql = await readFile(join(root, folder, name), 'utf8');
      // A trigger has statements inside, and ends with `END;` at the beginning of a line.
      const statements = sql.replace(/^\s*--.*$/gm, '').match(/CREATE TRIGGER[\s\S]*?^END(?=;)|[^;\s][^;]*/gm) ?? [];
      await database.batch([
        ...statements.map((each) => database.prepare(each)),
        database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
      ]);
    }
  }
}

function refuseTakenPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`Port ${port} is in use. Stop what uses it, or choose another: PORT=8788 npm start`)
          : error,
      ),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}
