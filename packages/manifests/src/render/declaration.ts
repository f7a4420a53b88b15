import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { filesBelow } from './tree.ts';

// The only Application that no ApplicationSet generates.
const ROOT = 'argocd/root/templates/application.yaml';

/**
 * The file that declares an Application: the one below argocd/applications whose ApplicationSet has its name, or makes
 * Applications of such names, or else the root's.
 */
export function declarationOf(root: string, name: string): string {
  const declares = (file: string): boolean =>
    namesIn(readFileSync(join(root, file), 'utf8')).some(
      ({ set, template }) => set === name || isNameOf(template, name),
    );
  return filesBelow(root, 'argocd/applications').find(declares) ?? ROOT;
}

/** The file of the ApplicationSet of a name; root's Application where none has it. */
export const fileOfSet = (root: string, name: string): string =>
  filesBelow(root, 'argocd/applications').find((file) =>
    namesIn(readFileSync(join(root, file), 'utf8')).some(({ set }) => set === name),
  ) ?? ROOT;

interface Names {
  readonly set: unknown;
  readonly template: unknown;
}

// Asked for every problem of every Application; equal texts are parsed once.
const known = new Map<string, readonly Names[]>();

/** The names of the ApplicationSets in a text, and the templates of those of their Applications. */
function namesIn(text: string): readonly Names[] {
  const names =
    known.get(text) ??
    parseAllDocuments(text).map((document) => ({
      set: document.getIn(['metadata', 'name']),
      template: document.getIn(['spec', 'template', 'metadata', 'name']),
    }));
  known.set(text, names);
  return names;
}

/** Whether a template of names, `preview-{{ .number }}`, can give a name. A parameter of a name here is a number. */
function isNameOf(template: unknown, name: string): boolean {
  if (typeof template !== 'string') return false;
  return new RegExp(`^${template.replaceAll(/\{\{[^}]*\}\}/g, '[0-9]+')}$`).test(name);
}
