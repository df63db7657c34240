import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describePrisons, SECRET } from './support/prison.ts';

describePrisons('what is another’s', (prison) => {
  it('files of other workspaces and of the runner are not to be found, whatever their rights', async () => {
    const victim = await prison().cell();
    await victim.run('echo private-note > ~/note; chmod -R a+rwX ~');
    const mallory = await prison().cell();
    const { root } = prison();
    const note = `${victim.plan.folder}/home/note`;
    const places = [note, `${root}/identity.pem`, `${root}/config.json`];
    const ways = (path: string) => [
      `cat ${path}`,
      `cat /proc/1/root${path}`,
      `cat /proc/*/root${path} | grep .`,
      `cat /proc/*/cwd/${'../'.repeat(12)}${path.slice(1)} | grep .`,
      `cat ~/${'../'.repeat(12)}${path.slice(1)}`,
      `ln -s ${path} ~/link-$$; cat ~/link-$$`,
      `ln ${path} ~/hard-$$`,
      `echo changed > ${path}`,
      `mv ${path} ~/moved-$$`,
      `ls ${path}`,
    ];
    const attempts = Object.fromEntries(places.flatMap((path) => ways(path).map((script) => [script, script])));
    expect(await mallory.escapes({ ...attempts, 'ls /root': 'ls /root', 'read shadow': 'cat /etc/shadow' })).toEqual([]);
    const { output } = await mallory.run(
      'grep -rlsE "private-note|the-runner-s-secret" / --include=note --include="*.pem" --include="*.json" 2>/dev/null; ls /home',
    );
    expect(output).toBe('dev');
    expect(readFileSync(note, 'utf8')).toBe('private-note\n');
    expect((await victim.run('cat ~/note')).output).toBe('private-note');
  });

  it('processes of others and of the runner are neither seen nor reached', async () => {
    const victim = await prison().cell();
    await victim.run('setsid sleep 987654 >/dev/null 2>&1 & disown');
    const mallory = await prison().cell();
    const theirs = [prison().pid, await victim.pid(), process.pid, process.ppid];
    const attempts = Object.fromEntries(
      theirs.flatMap((pid) =>
        [
          `kill -0 ${pid}`,
          `kill -9 ${pid}`,
          `cat /proc/${pid}/environ | grep .`,
          `ls /proc/${pid}/fd/0`,
          `test -e /proc/${pid}/root/etc`,
        ].map((script) => [
          script,
          // A low number may be one of its own.
          `test ${pid} -gt 400 && ${script}`,
        ]),
      ),
    );
    expect(await mallory.escapes(attempts)).toEqual([]);
    expect((await victim.run('pgrep -f "^sleep 987654"')).code).toBe(0);
    expect((await mallory.run('cat /proc/[0-9]*/cmdline | tr "\\0" " "')).output).not.toMatch(/warder|vitest|987654 /);
    await mallory.run('kill -9 -1');
    await mallory.ended();
    expect((await victim.run('pgrep -f "^sleep 987654"')).code).toBe(0);
  });

  it('nothing of the runner is in the environment or the file descriptors of any process', async () => {
    const mallory = await prison().cell();
    const { output } = await mallory.run(
      'cat /proc/[0-9]*/environ | tr "\\0" "\\n"; for fd in /proc/[0-9]*/fd/*; do to=$(readlink $fd); echo $to; case "$to" in /dev/*) ;; /*) timeout 1 head -c 1000 $fd </dev/null 2>/dev/null;; esac; done',
    );
    expect(output).not.toContain(SECRET);
    expect(output).not.toContain('GATEHOUSE_TEST_SECRET');
    // The one file of the machine that it has: where the helper says why it could not go on.
    const files = output.split('\n').filter((line) => line.includes(prison().root));
    expect(files.filter((line) => !line.endsWith(`${mallory.plan.folder}/helper.log`))).toEqual([]);
    // Programs themselves get three; the fourth is the listing's own.
    expect((await mallory.run('ls /proc/self/fd | tr "\\n" " "')).output).toBe('0 1 2 3');
    expect(await mallory.terminal('ls -l /proc/self/fd; echo end-$((40+2))\n', 'end-42')).not.toContain('socket:');
  });

  it('the helper’s socket is at no address that a sandbox knows', async () => {
    const victim = await prison().cell();
    const mallory = await prison().cell();
    const dial = (path: string) => `perl -MSocket -e 'socket(S,AF_UNIX,SOCK_STREAM,0); exit(connect(S,sockaddr_un("${path}"))?0:1)'`;
    const paths = [victim, mallory].map(({ plan }) => `${plan.folder}/helper.sock`);
    expect(await mallory.escapes(Object.fromEntries(paths.map((path) => [path, dial(path)])))).toEqual([]);
    expect((await mallory.run("find / -name 'helper.sock*' -not -path '/proc/*' 2>/dev/null; true")).output).toBe('');
  });

  it('what the sandbox is made of can’t be changed, nor what the helper loads', async () => {
    const evil = { LD_PRELOAD: '/home/dev/evil.so', NODE_OPTIONS: '--require /home/dev/evil.cjs', NODE_PATH: '/home/dev' };
    const first = await prison().cell({ environment: evil, startupScript: 'echo mine' });
    const write = (path: string) => [`write ${path}`, `echo x >> ${path}`] as const;
    const files = ['/opt/gatehouse/helper.mjs', '/opt/gatehouse/node', '/etc/gatehouse/start-up.sh', '/etc/gatehouse/settings.json'];
    expect(
      await first.escapes({
        ...Object.fromEntries(
          [...files, '/etc/ld.so.preload', '/etc/passwd', '/usr/bin/env', '/bin/x', '/lib/x', '/opt/x', '/etc/x', '/x', '/run/x'].map(
            write,
          ),
        ),
        ...Object.fromEntries(
          files.flatMap((path) => [`rm -f ${path} && ! test -e ${path}`, `mv ${path} /tmp/`].map((script) => [script, script])),
        ),
        'a folder in place of the tools': 'mv /opt/gatehouse /opt/other',
        'a mount over them': 'mount --bind ~ /opt/gatehouse',
        'rights of the helper': 'chmod a+w /opt/gatehouse/helper.mjs',
      }),
    ).toEqual([]);
    await first.run(
      'echo "require(\\"fs\\").writeFileSync(\\"/home/dev/loaded\\", String(process.pid))" > ~/evil.cjs; mkdir -p ~/node_modules/@lydell ~/.node_modules/@lydell; cp ~/evil.cjs ~/.node_libraries; for d in ~/node_modules ~/.node_modules; do mkdir -p $d/@lydell/node-pty; cp ~/evil.cjs $d/@lydell/node-pty/index.js; done; echo "touch ~/profile-ran" > ~/.bash_env',
    );
    await first.stop();
    const second = await prison().cell({ ...first.plan, limits: first.plan.limits });
    await second.terminal('echo end-$((40+2))\n', 'end-42');
    // In one piece: what the loader says of the library that is not there comes by another pipe, at any time.
    const script = 'printf "%s|%s" "$(cat /etc/gatehouse/start-up.sh)" "$(test -e ~/loaded || echo not loaded)"';
    expect((await second.run(script)).output).toContain('echo mine|not loaded');
  });

  it('the machine’s own files are as they were', () => {
    const names = readdirSync('/');
    for (const name of ['x', 'moved']) expect(names).not.toContain(name);
    expect(execFileSync('find', ['/usr/bin/env', '/etc/passwd', '-newermt', '-60 seconds']).toString()).toBe('');
  });
});
