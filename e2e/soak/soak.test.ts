import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Stack } from '../src/stack.ts';

// Each long drill is a subtest here, beside the load; tap runs the files of this folder one after the other.

/** The scenario `soak` for DURATION: its exit code, and what it printed. */
async function soak(folder: string): Promise<{ code: number | null; output: string }> {
  const program = fileURLToPath(import.meta.resolve('@gitops/load/main'));
  const child = spawn(process.execPath, [program, 'load', 'soak'], {
    env: { ...process.env, PLATFORM_LOCAL_DIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  return new Promise((done) => {
    child.on('close', (code) => {
      done({ code, output });
    });
  });
}

t.test('the service keeps its objectives as long as the load lasts', async (t) => {
  const { instance } = await Stack.open();
  const { code, output } = await soak(instance.dir);
  t.comment(output);
  t.equal(code, 0);
});
