// The last stage of a Dockerfile, as far as it needs no daemon: what it copies, and the configuration that it gives to the
// image. The Dockerfile is the one home of these facts, whichever way the image is built.

/** The configuration of an image, with the keys of the OCI image specification. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Env?: readonly string[];
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly User?: string;
  readonly WorkingDir?: string;
}

/** What a Dockerfile says of its image. */
export interface DockerfileImage {
  /** The base image: the ARG that the last FROM names, or its default. */
  readonly base: string;
  /** The images that the earlier stages start from. */
  readonly builders: readonly string[];
  /** Paths of the repository that the earlier stages copy: the image depends on nothing else. */
  readonly inputs: readonly string[];
  /** What the last stage copies out of an earlier one, in order. */
  readonly copies: readonly { readonly from: string; readonly to: string }[];
  readonly config: ImageConfig;
}

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The values of ARG instructions by name. */
type Arguments = Readonly<Record<string, string | undefined>>;

function instructionsOf(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  const joined = text.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n\s*/g, '');
  for (const line of joined.split('\n')) {
    const [, name, rest] = /^\s*([A-Za-z]+)\s+(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && rest !== undefined) instructions.push({ name: name.toUpperCase(), text: rest });
  }
  return instructions;
}

/** `${NAME}` and `$NAME` by their values; one without a value is empty, as in Docker. */
const substitute = (text: string, values: Arguments): string =>
  text.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => values[braced ?? bare ?? ''] ?? '');

/** `a=b c="d e"` as pairs. */
function pairsOf(text: string): [string, string][] {
  return [...text.matchAll(/([^\s=]+)=(?:"([^"]*)"|(\S*))/g)].map(([, name = '', quoted, bare]) => [
    name,
    quoted ?? bare ?? '',
  ]);
}

/** An ARG that an instruction declares: its given value, or its default. */
function declare(text: string, given: Arguments): [string, string | undefined] {
  const [, name = '', preset] = /^(\w+)(?:=(.*))?$/.exec(text) ?? [];
  return [name, given[name] ?? preset?.replace(/^"(.*)"$/, '$1')];
}

/**
 * Reads a Dockerfile.
 * @param text its content
 * @param given values of ARG instructions, as `--build-arg` gives them
 * Throws Error for an instruction of the last stage that needs a daemon, such as RUN.
 */
export function readDockerfile(text: string, given: Arguments = {}): DockerfileImage {
  const instructions = instructionsOf(text);
  const start = instructions.findLastIndex(({ name }) => name === 'FROM');
  if (start === -1) throw new Error('the Dockerfile has no FROM');
  const earlier = instructions.slice(0, start);
  const firstStage = earlier.findIndex(({ name }) => name === 'FROM');
  const globals = earlier.slice(0, firstStage === -1 ? undefined : firstStage).filter(({ name }) => name === 'ARG');
  const globalValues = Object.fromEntries(globals.map(({ text: each }) => declare(each, given)));

  const inputs: string[] = [];
  const builders: string[] = [];
  const values: Record<string, string | undefined> = {};
  for (const { name, text: each } of earlier) {
    if (name === 'ARG') Object.assign(values, Object.fromEntries([declare(each, given)]));
    if (name === 'COPY' && !each.startsWith('--from')) {
      const sources = substitute(each, values).split(/\s+/).slice(0, -1);
      inputs.push(...sources.filter((source) => !inputs.includes(source)));
    }
    if (name === 'FROM') builders.push(substitute(each.replace(/^(--\S+\s+)*(\S+).*$/, '$2'), globalValues));
  }

  const base = substitute(instructions[start]?.text ?? '', globalValues);
  return { base, builders, inputs, ...readLastStage(instructions.slice(start + 1), given) };
}

function readLastStage(instructions: readonly Instruction[], given: Arguments) {
  const values: Record<string, string | undefined> = {};
  const copies: { from: string; to: string }[] = [];
  const env: string[] = [];
  const labels: Record<string, string> = {};
  const ports: Record<string, object> = {};
  const single: { Entrypoint?: string[]; StopSignal?: string; User?: string; WorkingDir?: string } = {};
  for (const { name, text: raw } of instructions) {
    const text = substitute(raw, values);
    switch (name) {
      case 'ARG': {
        const [declared, value] = declare(text, given);
        values[declared] = value;
        break;
      }
      case 'COPY': {
        const [option, from, to, ...more] = text.split(/\s+/);
        if (option?.startsWith('--from=') !== true || from === undefined || to === undefined || more.length > 0)
          throw unsupported(name, raw);
        copies.push({ from, to });
        break;
      }
      case 'ENTRYPOINT':
        if (!text.startsWith('[')) throw unsupported(name, raw);
        single.Entrypoint = JSON.parse(text) as string[];
        break;
      case 'ENV':
        for (const [key, value] of pairsOf(text)) env.push(`${key}=${value}`);
        break;
      case 'EXPOSE':
        for (const port of text.split(/\s+/)) ports[port.includes('/') ? port : `${port}/tcp`] = {};
        break;
      case 'LABEL':
        Object.assign(labels, Object.fromEntries(pairsOf(text)));
        break;
      case 'STOPSIGNAL':
        single.StopSignal = text;
        break;
      case 'USER':
        single.User = text;
        break;
      case 'WORKDIR':
        single.WorkingDir = text;
        break;
      default:
        throw unsupported(name, raw);
    }
  }
  const config: ImageConfig = { ...single, Env: env, ExposedPorts: ports, Labels: labels };
  return { copies, config };
}

const unsupported = (name: string, text: string): Error =>
  new Error(`the last stage of the Dockerfile has \`${name} ${text}\`, which cannot be done without a daemon`);
