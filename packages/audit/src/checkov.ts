import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonEnvironment } from '@gitops/tools/python';
import { run } from '@gitops/tools/run';

/** A check that failed. */
export interface Finding {
  /** CKV_AWS_136 */
  readonly check: string;
  /** What the check demands, in checkov's words. */
  readonly demands: string;
  /** The file, without its ending, and the resource: `registry/aws_ecr_repository.previews`. */
  readonly place: string;
}

interface Report {
  readonly results?: {
    readonly failed_checks: readonly {
      readonly check_id: string;
      readonly check_name: string;
      readonly file_path: string;
      readonly resource: string;
    }[];
  };
  readonly summary?: { readonly parsing_errors: number };
}

/**
 * Everything that checkov finds in some files. Throws Error where it cannot be installed, cannot run, cannot read a
 * file, finds nothing to check, or one of its checks breaks.
 * @param framework `terraform_plan` for the output of `tofu show -json`, `kubernetes` for manifests in YAML
 * @param files texts by the names of their files
 */
export async function checkov(
  framework: 'terraform_plan' | 'kubernetes',
  files: ReadonlyMap<string, string>,
): Promise<Finding[]> {
  // Outside the repository: checkov passes over folders whose name begins with a dot.
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  try {
    for (const [name, text] of files)
      writeFileSync(join(folder, name), framework === 'terraform_plan' ? withoutNulls(text) : text);
    const options = ['--directory', folder, '--framework', framework, '--output=json', '--quiet', '--compact'];
    const { results, summary } = JSON.parse(await runCheckov([...options, '--soft-fail', '--skip-download'])) as Report;
    if (results === undefined || summary === undefined) throw new Error('checkov found nothing to check');
    if (summary.parsing_errors > 0) throw new Error(`checkov cannot read ${summary.parsing_errors} files`);
    return results.failed_checks.map(({ check_id: check, check_name: demands, file_path: file, resource }) => ({
      check,
      demands,
      place: `${file.replace(/^.*\//, '').replace(/\.\w+$/, '')}/${resource}`,
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A plan without the arguments that are null, which are those that are not set: some checks break at them. */
const withoutNulls = (plan: string): string => {
  const { planned_values: planned, ...rest } = JSON.parse(plan) as { readonly planned_values?: object };
  const cleaned: unknown = JSON.parse(JSON.stringify(planned ?? {}), (_key, value: unknown) => value ?? undefined);
  return JSON.stringify({ ...rest, planned_values: cleaned });
};

async function runCheckov(args: readonly string[]): Promise<string> {
  const python = join(pythonEnvironment('checkov'), 'python');
  // Without a token of its maker, which it would ask for more rules.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, LOG_LEVEL: 'ERROR' };
  const lines: string[] = [];
  const onErrorLine = (line: string): void => void lines.push(line);
  const output = await run(python, ['-m', 'checkov.main', ...args], { env, onErrorLine });
  // It passes over a check that breaks, and says so here alone.
  const stderr = lines.join('\n');
  const broken = new Set(stderr.match(/Failed to run check \S+/g));
  if (broken.size > 0) throw new Error(`checkov: ${[...broken].join(', ')}: ${stderr}`);
  return output;
}
