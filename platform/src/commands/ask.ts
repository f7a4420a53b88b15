import { createInterface } from 'node:readline/promises';

/** A line that a person types; empty where standard input ends. */
export async function ask(question: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const end = new Promise<string>((done) =>
      reader.once('close', () => {
        done('');
      }),
    );
    return await Promise.race([reader.question(question), end]);
  } finally {
    reader.close();
  }
}
