import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isolationMissing } from '../support/sandbox.ts';
import { startLimited } from '../support/limited.ts';
import { mintFolder } from '../support/mint.ts';
import { OutsideWorld } from '../support/outside-world.ts';

const isolation = isolationMissing() === null;
const [NPM, PYPI, FILES] = ['registry.npmjs.org', 'pypi.org', 'files.pythonhosted.org'];

/** A package as `npm pack` makes one. */
function packNpm(): Buffer {
  const folder = mintFolder();
  mkdirSync(join(folder, 'package'));
  writeFileSync(join(folder, 'package', 'package.json'), JSON.stringify({ name: 'blue-lamp', version: '1.2.3', main: 'index.js' }));
  writeFileSync(join(folder, 'package', 'index.js'), 'module.exports = "lit";');
  execFileSync('tar', ['-czf', join(folder, 'package.tgz'), '-C', folder, 'package']);
  return readFileSync(join(folder, 'package.tgz'));
}

/** A wheel: a zip with a module and what describes it. */
function packWheel(): Buffer {
  const path = join(mintFolder(), 'wheel.zip');
  const script = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.writestr('blue_lamp.py', 'state = "lit"\\n')
    z.writestr('blue_lamp-1.2.3.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: blue-lamp\\nVersion: 1.2.3\\n')
    z.writestr('blue_lamp-1.2.3.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    z.writestr('blue_lamp-1.2.3.dist-info/RECORD', '')
`;
  execFileSync('python3', ['-c', script, path]);
  return readFileSync(path);
}

async function makeRegistries() {
  const world = new OutsideWorld([NPM, PYPI, FILES]);
  const [tarball, wheel] = [packNpm(), packWheel()];
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const version = { name: 'blue-lamp', version: '1.2.3', dist: { tarball: `https://${NPM}/blue-lamp/-/blue-lamp-1.2.3.tgz`, integrity } };
  const metadata = JSON.stringify({ name: 'blue-lamp', 'dist-tags': { latest: '1.2.3' }, versions: { '1.2.3': version } });
  await world.host(NPM, '93.184.216.30', {
    https: (request, response) => {
      if (request.url === '/blue-lamp') response.writeHead(200, { 'Content-Type': 'application/json' }).end(metadata);
      else if (request.url?.endsWith('.tgz')) response.end(tarball);
      else response.writeHead(404).end('{}');
    },
  });
  const file = 'blue_lamp-1.2.3-py3-none-any.whl';
  await world.host(PYPI, '93.184.216.31', {
    https: (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(`<a href="https://${FILES}/${file}">${file}</a>`);
    },
  });
  await world.host(FILES, '93.184.216.32', { https: (_request, response) => response.end(wheel) });
  return world;
}

const trust = (cert: string) => `cat > ca.pem <<'END'\n${cert}END\n`;
const npm = `${'npm install --prefix app blue-lamp --registry https://registry.npmjs.org --cafile ca.pem --no-audit --no-fund --no-update-notifier'} 2>&1`;
const pip = 'pip install --cert ca.pem --target lib --disable-pip-version-check --retries 0 blue-lamp 2>&1';

describe.runIf(isolation)('package managers', () => {
  it('npm installs through the proxy from a registry that is listed', async () => {
    const world = await makeRegistries();
    const { run } = await startLimited(world, { hosts: [NPM] });
    const output = await run(`${trust(world.cert)}${npm}; cd app && node -p 'require("blue-lamp")'`);
    expect(output).toMatch(/added 1 package[\s\S]*lit$/);
  }, 60_000);

  it('npm fails with what is refused where it is not, and the refusal is told', async () => {
    const world = await makeRegistries();
    const { run, told } = await startLimited(world, { hosts: [PYPI] });
    expect(await run(`${trust(world.cert)}${npm} --fetch-retries 0; ls app/node_modules`)).toMatch(/403|tunnel/i);
    expect(told.all).toMatchObject([{ what: 'refused', host: NPM, port: 443 }]);
    expect(world.dialled.all).toEqual([]);
  }, 60_000);

  it('pip installs through the proxy, the index and the files each from their host', async () => {
    const world = await makeRegistries();
    const { run } = await startLimited(world, { hosts: [PYPI, '*.pythonhosted.org'] });
    const output = await run(`${trust(world.cert)}${pip}; PYTHONPATH=lib python3 -c 'import blue_lamp; print(blue_lamp.state)'`);
    expect(output).toMatch(/Successfully installed blue-lamp-1.2.3[\s\S]*lit$/);
  }, 60_000);
});
