import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What browsers of tests do without. Chromium hears the last such list alone, so what Playwright switches off and matters here stands in it, too. */
const WITHOUT = [
  // Pages of the address bar, which nobody sees, and which take most of a second of a processor for each window.
  ...['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup'],
  ...['AimEnabled', 'AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose', 'HttpsFirstBalancedModeAutoEnable'],
  ...['HttpsUpgrades', 'MediaRouter', 'NetworkTimeServiceQuerying', 'OptimizationHints', 'PaintHolding', 'PreconnectToSearch'],
  ...['ThirdPartyStoragePartitioning'],
];

const open = new Set<Browser>();
/** Those of this process that were launched and not closed yet. */
export const openBrowsers = (): readonly Browser[] => [...open];

/** A browser for tests: CHROME_PATH, the system's Chromium, or the one that comes through npm. Without 3D (`--disable-3d-apis`) terminals are drawn as text. @param without features that are switched off */
export async function launchBrowser(flags: string[] = [], without: string[] = []): Promise<Browser> {
  const features = `--disable-features=${[...WITHOUT, ...without].join()}`;
  const browser = await chromium.launch({ executablePath: await browserPath(), args: [...FLAGS, features, ...flags] });
  open.add(browser);
  browser.once('disconnected', () => open.delete(browser));
  return browser;
}

async function browserPath(): Promise<string> {
  const installed = [process.env['CHROME_PATH'], '/usr/bin/chromium'].find((path) => path !== undefined && existsSync(path));
  if (installed !== undefined) return installed;
  // It unpacks into TMPDIR and trusts what lies there, so each version gets a folder of its own.
  const folder = join(tmpdir(), 'gatehouse-chromium-153.0.0');
  await mkdir(folder, { recursive: true });
  Object.assign(process.env, { TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' });
  const { default: packed } = await import('@sparticuz/chromium');
  const path = await packed.executablePath();
  // Its own settings look for its fonts below /tmp, and a browser without any font ends at the first list of options.
  const settings = join(folder, 'fonts.conf');
  const folders = [join(folder, 'fonts'), '/usr/share/fonts'].map((each) => `<dir>${each}</dir>`).join('');
  await writeFile(settings, `<fontconfig>${folders}<cachedir>${join(folder, 'font-cache')}</cachedir></fontconfig>`);
  process.env['FONTCONFIG_FILE'] = settings;
  return path;
}
