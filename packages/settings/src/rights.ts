import { readYamlFile } from './yaml-file.ts';

/** The file, from the repository's root. */
export const RIGHTS_FILE = 'argocd/rights.yaml';

/** The roles of Argo CD that people have. */
export const ROLES = ['developer', 'on-call', 'platform'] as const;

export type Role = (typeof ROLES)[number];

/** What some roles may do in Argo CD. */
export interface Right {
  /** In words. */
  readonly may: string;
  /** Resource, action and object, as in Argo CD's policies; `*` as an object stands for one of each project. */
  readonly ask: readonly Ask[];
  /** Who may, and in which clusters; nobody else may. */
  readonly roles: Readonly<Partial<Record<Role, 'all' | readonly string[]>>>;
}

/**
 * The table of who may do what in Argo CD. Throws an Error with its problems where it cannot be read.
 * @param root the repository's folder
 */
export function readRights(root: string): readonly Right[] {
  const { content, problems } = readYamlFile(root, RIGHTS_FILE);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return content.rights as readonly Right[];
}

/** What is asked of Argo CD: resource, action and object, as in its policies. */
export type Ask = readonly [resource: string, action: string, object: string];

/** One Application of a project that developers deploy to, and one of a project that they do not. */
const APPLICATIONS = ['services/fastify-service', 'root/root'];

/**
 * What a right allows, asked of single objects.
 * @param objects those that `*` stands for
 */
export const asksOf = ({ ask }: Right, objects: readonly string[] = APPLICATIONS): Ask[] =>
  ask.flatMap(([resource, action, object]) =>
    (object === '*' ? objects : [object]).map((one): Ask => [resource, action, one]),
  );

/** Whether a right includes a role in a cluster. */
export function includesRole({ roles }: Right, role: Role, cluster: string): boolean {
  const clusters = roles[role];
  return clusters === 'all' || (clusters?.includes(cluster) ?? false);
}

/** The table in Markdown, without padding. */
export function rightsInMarkdown(rights: readonly Right[]): string[] {
  const cell = (clusters: 'all' | readonly string[] = []): string =>
    clusters === 'all' ? 'yes' : clusters.length === 0 ? '–' : `in ${clusters.join(', ')}`;
  return [
    `| may | ${ROLES.join(' | ')} |`,
    `| --- |${' --- |'.repeat(ROLES.length)}`,
    ...rights.map(({ may, roles }) => `| ${may} | ${ROLES.map((role) => cell(roles[role])).join(' | ')} |`),
  ];
}
