import { command } from '@gitops/report/command-line';
import { flag, text } from '@gitops/report/options';
import { table } from '@gitops/report/table';
import { addService } from '../add.ts';
import { formProblem } from '../name.ts';
import { removeService } from '../remove.ts';
import { cloneAbove } from '../work-tree.ts';

const afterAdding = (name: string): string[] => [
  `Next:  make check; make test`,
  `       make up; make deploy         run it on this machine; after a change of its code, make ship APP=${name}`,
  `       git add --all; git commit    a merge deploys it; docs/guides/platform-engineer.md says what comes before`,
];

const afterRemoving = (name: string): string[] => [
  `Next:  make check; git commit --all`,
  `       A merge deletes the Application ${name} and its namespace in every cluster. Its images stay in the registry.`,
];

const afterUnprotecting = (name: string): string[] => [
  `Next:  merge this first, and wait until every cluster has it; nothing is deleted by it`,
  `       make service NAME=${name} REMOVE=yes    once more: then it takes the service out of the tree`,
];

export default command({
  summary: 'add a service to the fleet: its code, its deployment and its release',
  options: {
    name: text('the name of the service', {
      isRequired: true,
      placeholder: 'NAME',
      example: 'orders',
      problem: formProblem,
    }),
    remove: flag('remove the service instead'),
  },
  // Async, so that what it throws is reported like all else.
  // eslint-disable-next-line @typescript-eslint/require-await
  run: async ({ options: { name, remove }, json, print }) => {
    const root = cloneAbove(process.cwd());
    const step = remove ? removeService(root, name) : { isRemoved: false, changes: addService(root, name) };
    const { isRemoved, changes } = step;
    if (json) {
      print(JSON.stringify({ name, isRemoved, changes }, null, 2));
      return;
    }
    const next = !remove ? afterAdding(name) : isRemoved ? afterRemoving(name) : afterUnprotecting(name);
    const rows = changes.map(({ file, change, why }) => [file, change, why]);
    print(`${table(['FILE', 'CHANGE', 'WHY'], rows)}\n\n${next.join('\n')}`);
  },
});
