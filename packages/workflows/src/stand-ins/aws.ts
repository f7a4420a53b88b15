// The `aws` of a workflow in the tests: node aws.ts ARGUMENTS. The stand-in of AWS (../ecr.ts) says what it prints.
const { env } = process;
const answer = await fetch(`${env.STAND_IN_AWS ?? ''}/aws`, {
  method: 'POST',
  body: JSON.stringify({ args: process.argv.slice(2), key: env.AWS_ACCESS_KEY_ID ?? '' }),
});
const { code, stdout = '', stderr = '' } = (await answer.json()) as { code: number; stdout?: string; stderr?: string };
if (stdout !== '') console.log(stdout);
if (stderr !== '') console.error(stderr);
process.exitCode = code;
