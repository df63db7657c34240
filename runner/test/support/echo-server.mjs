// A language server that does what it is told, by the first word of a line: echo, say, flood, child, exit.
import { spawn } from 'node:child_process';
import process from 'node:process';

process.stderr.write('ready\n');
let rest = '';
process.stdin.setEncoding('utf8').on('data', (piece) => {
  const lines = (rest + piece).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    const [word, ...words] = line.split(' ');
    const text = words.join(' ');
    if (word === 'echo') process.stdout.write(`${text}\n`);
    if (word === 'say') process.stderr.write(`${text}\n`);
    if (word === 'flood') process.stdout.write('x'.repeat(Number(text)));
    if (word === 'where') process.stdout.write(`${process.cwd()} ${process.env.PATH}\n`);
    if (word === 'child') process.stdout.write(`child ${spawn('sleep', ['1000'], { stdio: 'ignore' }).pid} of ${process.pid}\n`);
    if (word === 'exit') process.exit(Number(text));
  }
});
