import { matchesGlob } from 'node:path';
import type { Workflow } from './read.ts';
import { nameOf } from './rules.ts';

/** Something that happened on GitHub, and starts workflows. */
export interface GitHubEvent {
  readonly name: 'push' | 'pull_request' | 'workflow_dispatch' | 'schedule';
  /** The branch that was pushed to, or that a pull request goes to. */
  readonly branch: string;
  /** The files that the push or the pull request changes. */
  readonly files?: readonly string[];
  /** What happened to a pull request: opened, synchronize, labeled … */
  readonly action?: string;
  /** The workflow that is started by hand. */
  readonly workflow?: string;
}

/** The kinds of `pull_request` that start a workflow that names none. */
const USUAL = ['opened', 'synchronize', 'reopened'];

/**
 * The workflows that GitHub starts for an event, by the filters of their triggers (GitHub Docs, "Workflow syntax": on).
 * act has no such filters.
 */
export function startedBy(event: GitHubEvent, workflows: readonly Workflow[]): Workflow[] {
  return workflows.filter(({ file, isAction, on }) => {
    if (isAction || !(event.name in on)) return false;
    if (event.workflow !== undefined && nameOf({ file }) !== event.workflow) return false;
    const { branches, paths, types = USUAL } = on[event.name] ?? {};
    const { branch, files = [], action = '' } = event;
    if (branches !== undefined && !branches.some((pattern) => matchesGlob(branch, pattern))) return false;
    if (paths !== undefined && !files.some((file) => paths.some((pattern) => matchesGlob(file, pattern)))) return false;
    return event.name !== 'pull_request' || types.includes(action);
  });
}
