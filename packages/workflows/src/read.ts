import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

// The workflows and composite actions of .github, as far as tests look at them.

export type Permissions = Readonly<Record<string, string>>;

export interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, unknown>>;
  readonly shell?: string;
}

export interface Job {
  readonly if?: string;
  readonly needs?: string | readonly string[];
  readonly 'runs-on'?: string;
  readonly 'timeout-minutes'?: number;
  readonly permissions?: Permissions | string;
  readonly concurrency?: { readonly group: string; readonly 'cancel-in-progress'?: unknown };
  readonly environment?: string | { readonly name: string; readonly url?: string };
  readonly env?: Readonly<Record<string, unknown>>;
  readonly strategy?: { readonly matrix?: Readonly<Record<string, readonly string[]>> };
  readonly steps: readonly Step[];
}

/** What starts a workflow, by event. */
export type Triggers = Readonly<
  Record<
    string,
    {
      readonly branches?: readonly string[];
      readonly paths?: readonly string[];
      readonly types?: readonly string[];
    } | null
  >
>;

/** A workflow, or a composite action, which has steps but neither triggers nor jobs of its own. */
export interface Workflow {
  /** .github/workflows/ci.yml */
  readonly file: string;
  readonly text: string;
  readonly isAction: boolean;
  readonly on: Triggers;
  readonly permissions: Permissions | string | undefined;
  readonly concurrency: Job['concurrency'];
  /** By id; an action has one, `action`. */
  readonly jobs: Readonly<Record<string, Job>>;
}

interface WorkflowFile {
  readonly on?: string | readonly string[] | Triggers;
  readonly permissions?: Permissions | string;
  readonly concurrency?: Job['concurrency'];
  readonly jobs?: Readonly<Record<string, Job>>;
  readonly runs?: { readonly steps: readonly Step[] };
}

/** The files of .github in a clone, by their paths from its root. */
export const filesOfGitHub = (root: string): string[] =>
  readdirSync(join(root, '.github'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1))
    .sort();

/** The workflows and actions of a clone. */
export const readWorkflows = (root: string): Workflow[] =>
  filesOfGitHub(root)
    .filter((file) => /^\.github\/(workflows\/[^/]+\.ya?ml|actions\/.+\/action\.ya?ml)$/.test(file))
    .map((file) => readWorkflow(file, readFileSync(join(root, file), 'utf8')));

export function readWorkflow(file: string, text: string): Workflow {
  const { on = {}, permissions, concurrency, jobs, runs } = parse(text) as WorkflowFile;
  const triggers: Triggers =
    typeof on === 'string'
      ? { [on]: null }
      : Array.isArray(on)
        ? Object.fromEntries(on.map((event: string) => [event, null]))
        : (on as Triggers);
  return {
    file,
    text,
    isAction: runs !== undefined,
    on: triggers,
    permissions,
    concurrency,
    jobs: jobs ?? { action: { steps: runs?.steps ?? [] } },
  };
}

export const environmentOf = ({ environment }: Job): string | undefined =>
  typeof environment === 'object' ? environment.name : environment;
