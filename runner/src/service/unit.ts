import { dirname } from 'node:path';

export interface UnitOptions {
  /** the program and its first arguments, as it was started: Node and the runner's file */
  program: string[];
  user: string;
  stateDir: string;
  /** options of `run` besides */
  more: string[];
}

const STATE_ROOT = '/var/lib/';
const HOMES = /^\/(home|root|run\/user)\//;

/** A word of a list, as systemd reads it; % begins what it fills in. */
const listed = (text: string): string => {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%');
  return /[\s"'\\;]/.test(text) ? `"${escaped}"` : escaped;
};
/** A word of a command, in which $ begins a variable. */
const word = (text: string): string => listed(text).replaceAll('$', '$$$$');

/**
 * A unit file for systemd. What it can't take away from the runner without taking it from workspaces, too, it leaves: they are made
 * of namespaces, which need /proc and /sys as they are.
 */
export function unitOf({ program, user, stateDir, more }: UnitOptions): string {
  const command = (...words: string[]) => [...program, ...words].map(word).join(' ');
  const isUsual = stateDir.startsWith(STATE_ROOT);
  const state = isUsual
    ? [`StateDirectory=${listed(stateDir.slice(STATE_ROOT.length))}`, 'StateDirectoryMode=0700']
    : [`ReadWritePaths=${listed(stateDir)}`];
  const inHomes = [...program.map((each) => dirname(each)), stateDir].some((each) => HOMES.test(`${each}/`));
  return `[Unit]
Description=Gatehouse runner
Wants=network-online.target
After=network-online.target
# However often it fails, it is tried again: workspaces wait 15 minutes for it.
StartLimitIntervalSec=0

[Service]
Type=exec
User=${listed(user)}
ExecStart=${command('run', '--state-dir', stateDir, '--log-format', 'json', ...more)}
# The runner ends and leaves its workspaces running; Restart= brings the next one, which takes them over.
ExecReload=${command('handover', '--state-dir', stateDir)}
${state.join('\n')}
Restart=always
RestartSec=2
# An administrator removed this runner: starting again would not help.
RestartPreventExitStatus=3

# Workspaces outlive the runner. A stop asks it to stop them; a restart asks it to leave them.
KillMode=process
KillSignal=SIGTERM
RestartKillSignal=SIGUSR2
SendSIGKILL=yes
TimeoutStopSec=60
OOMPolicy=continue

# Workspaces get groups of their own, beside the runner's (from systemd 254 on).
Delegate=yes
DelegateSubgroup=runner
TasksMax=20000
LimitNOFILE=65536

# What the runner needs none of. Not here, because sandboxes are made of it: RestrictNamespaces, PrivateUsers, PrivateDevices, ProtectProc,
# ProtectKernelTunables, ProtectControlGroups, SystemCallFilter. Not PrivateTmp: a restart would empty it under workspaces that run.
NoNewPrivileges=yes
${user === 'root' ? '# As root it gives each workspace a user of its own, for which it needs its capabilities.' : 'CapabilityBoundingSet='}
ProtectSystem=strict
ProtectHome=${inHomes ? 'read-only' : 'yes'}

[Install]
WantedBy=multi-user.target
`;
}
