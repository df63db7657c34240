import type { z } from 'zod';
import type { templateCreate } from './templates.ts';

export interface Starter {
  key: 'empty' | 'node' | 'python' | 'go';
  label: string;
  /** what comes with it, in a line */
  what: string;
  template: z.input<typeof templateCreate>;
}

/** A start that can't work says in one sentence what the machine lacks, and what to do. */
const need = (program: string, name: string, hint: string) => `if ! command -v ${program} >/dev/null 2>&1; then
  echo "${name} is missing on this runner’s machine: there is no program “${program}”. ${hint}" >&2
  exit 1
fi`;

const NODE = `set -eu
${need('node', 'Node.js', 'Install Node.js 20 or newer there, or choose a runner that has it.')}
echo "Node.js $(node --version)"
if ! command -v npm >/dev/null 2>&1; then
  echo "npm is missing on this runner’s machine: nothing is installed." >&2
  exit 1
fi
npm config set prefix "$HOME/.local"
found=
for project in */package.json; do
  [ -e "$project" ] || continue
  found=1
  folder=$(dirname "$project")
  [ -d "$folder/node_modules" ] && continue
  echo "Installing what $folder needs"
  if [ -e "$folder/package-lock.json" ]; then (cd "$folder" && npm ci); else (cd "$folder" && npm install); fi
done
if [ -z "$found" ] && [ ! -e hello ]; then
  mkdir hello
  printf '{ "name": "hello", "private": true, "type": "module", "scripts": { "start": "node index.js" } }\\n' > hello/package.json
  printf 'console.log("Hello from Node.js", process.version);\\n' > hello/index.js
fi
`;

/** Tried through the tunnel: a newer one may want another Node. */
export const CODE_SERVER_VERSION = '4.139.1';

/**
 * Installs code-server into the home when the workspace starts for the first time, and runs it. Its install scripts build
 * native modules that it does without or has ready-made; so none is run, and no compiler is needed.
 */
const CODE_SERVER = `at="$HOME/.local/share/code-server-${CODE_SERVER_VERSION}"
code="$at/node_modules/code-server"
node=node
[ -x /opt/gatehouse/node ] && node=/opt/gatehouse/node
install() {
  echo "Installing code-server ${CODE_SERVER_VERSION}: some 600 MB, a few minutes"
  mkdir -p "$at" && cd "$at" && echo '{}' > package.json &&
    npm install --ignore-scripts --no-audit --no-fund code-server@${CODE_SERVER_VERSION} &&
    cd "$code/lib/vscode" && npm install --omit=dev --ignore-scripts --no-audit --no-fund &&
    cd extensions && npm install --omit=dev --ignore-scripts --no-audit --no-fund && touch "$at/installed"
}
if [ ! -e "$at/installed" ] && ! (install); then
  echo "code-server could not be installed. It comes from the npm registry, which the egress policy has to allow. Next try in 10 minutes."
  sleep 600
  exit 1
fi
exec "$node" "$code/out/node/entry.js" --auth none --disable-telemetry --disable-update-check --bind-addr "127.0.0.1:$PORT" "$HOME"
`;

const PYTHON = `set -eu
${need('python3', 'Python', 'Install python3 there, or choose a runner that has it.')}
python3 --version
if [ ! -x .venv/bin/python ]; then
  if ! python3 -m venv .venv; then
    rm -rf .venv
    echo "Python’s venv module is missing on this runner’s machine (on Debian: the package python3-venv)." >&2
    exit 1
  fi
fi
grep -qs gatehouse-venv .bashrc || echo '. "$HOME/.venv/bin/activate" # gatehouse-venv' >> .bashrc
found=
for list in */requirements.txt; do
  [ -e "$list" ] || continue
  found=1
  echo "Installing what $list names"
  .venv/bin/python -m pip install --disable-pip-version-check -r "$list"
done
if [ -z "$found" ] && [ ! -e hello ]; then
  mkdir hello
  printf 'import sys\\n\\nprint("Hello from Python", sys.version.split()[0])\\n' > hello/main.py
fi
`;

const GO = `set -eu
${need('go', 'Go', 'Install Go there, or choose a runner that has it.')}
go version
found=
for module in */go.mod; do
  [ -e "$module" ] || continue
  found=1
  echo "Fetching what $(dirname "$module") needs"
  (cd "$(dirname "$module")" && go mod download)
done
if [ -z "$found" ] && [ ! -e hello ]; then
  mkdir hello
  printf 'module hello\\n' > hello/go.mod
  printf 'package main\\n\\nimport "fmt"\\n\\nfunc main() { fmt.Println("Hello from Go") }\\n' > hello/main.go
fi
`;

/** What a new template can begin with. */
export const STARTERS: readonly Starter[] = [
  {
    ...{ key: 'empty', label: 'Empty', what: 'A home, a shell, and whatever the runner’s machine has' },
    template: { name: 'empty', icon: 'terminal' },
  },
  {
    ...{ key: 'node', label: 'Node.js', what: 'Installs a project’s packages; port 3000 is its app, code-server beside it' },
    template: {
      ...{ name: 'node', icon: 'braces', description: 'Node.js with npm; installs what the repository needs' },
      spec: {
        startupScript: NODE,
        apps: [
          { name: 'code-server', port: 8080, command: CODE_SERVER, icon: 'code' },
          { name: 'App', port: 3000 },
        ],
      },
    },
  },
  {
    ...{ key: 'python', label: 'Python', what: 'A virtual environment, with what requirements.txt names' },
    template: {
      ...{ name: 'python', icon: 'flask', description: 'Python in a virtual environment' },
      spec: { startupScript: PYTHON, apps: [{ name: 'App', port: 8000 }] },
    },
  },
  {
    ...{ key: 'go', label: 'Go', what: 'Fetches a module’s dependencies; port 8080 is its app' },
    template: {
      ...{ name: 'go', icon: 'rocket', description: 'Go; fetches what the module needs' },
      spec: { startupScript: GO, apps: [{ name: 'App', port: 8080 }] },
    },
  },
];
