import type { Publication } from '@gitops/delivery/commit';
import { elapsed } from '@gitops/report/progress';
import { table } from '@gitops/report/table';
import { connectAs } from '../accounts.ts';
import { applicationsTable } from '../applications.ts';
import { PATIENCE } from '../await-applications.ts';
import { awaitDelivery } from '../await-delivery.ts';
import type { Instance } from '../instance.ts';
import type { Ports } from '../ports.ts';
import type { Timeline } from '../timeline.ts';

const SHOWN_FILES = 10;

interface How {
  /** When the command began, in milliseconds since 1970. */
  readonly start: number;
  readonly json: boolean;
  readonly print: (text: string) => void;
  /** What the seconds were spent on, so far. */
  readonly timeline?: Timeline;
  /** Called when Argo CD has applied it. */
  readonly onSynced?: () => void;
}

/** Waits until Argo CD has deployed a publication, and reports it as text or JSON. */
export async function reportDelivery(
  instance: Instance,
  ports: Ports,
  publication: Publication,
  { start, json, print, timeline, onSynced }: How,
): Promise<void> {
  const head = publication.commit.slice(0, 7);
  if (publication.files.length === 0) {
    const nothing = { ...publication, reached: [], heldBack: [], parts: timeline?.parts };
    print(json ? JSON.stringify(nothing) : `Nothing to do: main (${head}) is up to date.`);
    return;
  }
  if (!json) print(filesInWords(head, publication.files));
  const client = connectAs(instance, ports, 'admin');
  const { reached, heldBack } = await awaitDelivery(instance, client, publication, PATIENCE, onSynced);
  timeline?.end('all healthy');
  if (json) {
    const names = reached.map(({ metadata }) => metadata.name);
    print(JSON.stringify({ ...publication, reached: names, heldBack, parts: timeline?.parts }));
    return;
  }
  for (const name of heldBack)
    print(`${name} is rolled back and stays as it is; \`make resume APP=${name}\` hands it back to Git.`);
  if (reached.length === 0 && heldBack.length === 0) print('No Application reads any of these files.');
  if (reached.length > 0)
    print(
      `Synced and Healthy ${elapsed(Date.now() - start)} after the command started:\n${applicationsTable(reached)}`,
    );
  if (reached.length > 0 && timeline !== undefined) print(`\n${timelineTable(timeline)}`);
}

const timelineTable = ({ parts }: Timeline): string =>
  table(
    ['PART', 'TIME'],
    parts.map(({ part, seconds }) => [part, elapsed(seconds * 1000)]),
  );

function filesInWords(head: string, files: readonly string[]): string {
  const lines = [`main is at ${head}: ${files.length} file${files.length === 1 ? '' : 's'} changed`];
  for (const file of files.slice(0, SHOWN_FILES)) lines.push(`  ${file}`);
  if (files.length > SHOWN_FILES) lines.push(`  and ${files.length - SHOWN_FILES} more`);
  return lines.join('\n');
}
