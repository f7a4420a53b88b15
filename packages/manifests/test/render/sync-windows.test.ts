import t from 'tap';
import type { SyncWindow } from '../../src/render/renderer.ts';
import { open } from '../helper.ts';

// Freezes at other moments than now, asked of Argo CD's own code. A window begins a moment after its cron line and is
// over at the end of its duration.

const { renderer } = await open(t);

const freeze = (schedule: string, duration: string, timeZone: string, more: object = {}): SyncWindow => ({
  ...{ kind: 'deny', applications: ['*'], manualSync: true, syncOverrun: true },
  ...{ schedule, duration, timeZone },
  ...more,
});

const yearEnd = freeze('0 18 19 12 *', '384h', 'America/New_York');

/** `robot`, `person` or both: whose sync may begin at each of the moments. */
async function mayAt(windows: readonly SyncWindow[], ...moments: string[]): Promise<string[]> {
  const [from = '', until = ''] = [moments[0], moments.at(-1)];
  const [answer] = await renderer.windows([{ windows, from, until, moments }]);
  if (answer === undefined) throw new Error('no answer');
  return answer.moments.map(({ automated, manual }) =>
    [automated ? 'robot' : '', manual ? 'person' : ''].filter((who) => who !== '').join(', '),
  );
}

/** When windows are active, `start/end` and which ones. */
async function stretches(windows: readonly SyncWindow[], from: string, until: string): Promise<string[]> {
  const [answer] = await renderer.windows([{ windows, from, until }]);
  return (answer?.stretches ?? []).map(({ start, end, active }) => `${start}/${end} ${active.join('+')}`);
}

const both = 'robot, person';

t.test('a freeze begins and ends to the second, in its own time zone', async (t) => {
  t.same(
    await mayAt(
      [yearEnd],
      ...['2026-12-19T22:59:59Z', '2026-12-19T23:00:00Z', '2026-12-19T23:00:01Z'],
      ...['2027-01-04T22:59:59Z', '2027-01-04T23:00:00Z'],
    ),
    [both, both, 'person', 'person', both],
  );
});

t.test('it goes on over the change of the year, and comes back every year', async (t) => {
  t.same(await mayAt([yearEnd], '2026-12-31T23:59:59Z', '2027-01-01T00:00:00Z', '2027-01-01T05:00:00Z'), [
    'person',
    'person',
    'person',
  ]);
  t.same(await stretches([yearEnd], '2026-06-01T00:00:00Z', '2029-06-01T00:00:00Z'), [
    '2026-12-19T23:00:00Z/2027-01-04T23:00:00Z 0',
    '2027-12-19T23:00:00Z/2028-01-04T23:00:00Z 0',
    '2028-12-19T23:00:00Z/2029-01-04T23:00:00Z 0',
  ]);
});

t.test(
  'a freeze follows the clock on the wall: an hour is missing in spring, and one too many in autumn',
  async (t) => {
    const nights = freeze('0 22 * * *', '8h', 'Europe/Berlin');
    t.same(await stretches([nights], '2027-03-27T12:00:00Z', '2027-03-28T12:00:00Z'), [
      '2027-03-27T21:00:00Z/2027-03-28T04:00:00Z 0',
    ]);
    t.same(await stretches([nights], '2027-10-30T12:00:00Z', '2027-10-31T12:00:00Z'), [
      '2027-10-30T20:00:00Z/2027-10-31T05:00:00Z 0',
    ]);
  },
);

t.test('one that begins in the hour that spring leaves out begins when the clocks have changed', async (t) => {
  const skipped = freeze('30 2 28 3 *', '2h', 'Europe/Berlin');
  t.same(await stretches([skipped], '2027-03-27T12:00:00Z', '2027-03-28T12:00:00Z'), [
    '2027-03-28T01:00:00Z/2027-03-28T02:30:00Z 0',
  ]);
});

t.test('one that begins in the hour that autumn repeats has a gap: twice the clock shows its start', async (t) => {
  const repeated = freeze('30 2 31 10 *', '2h', 'Europe/Berlin');
  t.same(await stretches([repeated], '2027-10-30T12:00:00Z', '2027-10-31T12:00:00Z'), [
    '2027-10-31T00:30:00Z/2027-10-31T01:00:00Z 0',
    '2027-10-31T01:30:00Z/2027-10-31T03:30:00Z 0',
  ]);
});

t.test('zones of half an hour, and without summer time', async (t) => {
  t.same(await stretches([freeze('0 9 1 7 *', '1h', 'Asia/Kolkata')], '2027-06-30T00:00:00Z', '2027-07-02T00:00:00Z'), [
    '2027-07-01T03:30:00Z/2027-07-01T04:30:00Z 0',
  ]);
});

t.test('of two freezes that overlap, each holds; people pass both', async (t) => {
  const launch = freeze('0 12 20 12 *', '48h', 'UTC');
  t.same(await stretches([yearEnd, launch], '2026-12-19T00:00:00Z', '2027-01-10T00:00:00Z'), [
    '2026-12-19T23:00:00Z/2026-12-20T12:00:00Z 0',
    '2026-12-20T12:00:00Z/2026-12-22T12:00:00Z 0+1',
    '2026-12-22T12:00:00Z/2027-01-04T23:00:00Z 0',
  ]);
  t.same(await mayAt([yearEnd, launch], '2026-12-21T00:00:00Z', '2026-12-23T00:00:00Z'), ['person', 'person']);
  // One that holds people back as well would win: ours never does.
  const closed = freeze('0 12 20 12 *', '48h', 'UTC', { manualSync: false });
  t.same(await mayAt([yearEnd, closed], '2026-12-21T00:00:00Z', '2026-12-23T00:00:00Z'), ['', 'person']);
});

t.test('windows that Argo CD would refuse, or take otherwise than written, are told', async (t) => {
  const windows = [
    freeze('0 18 19 13 *', '1h', 'UTC'),
    freeze('0 18 30 2 *', '1h', 'UTC'),
    freeze('0 18 1 1 *', '1h', 'Europe/Berlni'),
    freeze('0 18 1 1 *', '2 weeks', 'UTC'),
    freeze('0 18 1 1 *', '0h', 'UTC'),
    freeze('0 18 1 1 *', '1h', 'UTC', { description: 'x'.repeat(256) }),
    freeze('0 18 1 1 *', '1h', 'UTC'),
  ];
  const [answer] = await renderer.windows([{ windows, from: '2027-01-01T00:00:00Z', until: '2027-02-01T00:00:00Z' }]);
  t.match(answer?.problems, [
    { field: 'schedule', rule: /above maximum/ },
    { field: 'schedule', rule: /never comes/ },
    { field: 'timeZone', rule: /unknown time zone/ },
    { field: 'duration', rule: /unknown unit/ },
    { field: 'duration', rule: /longer than nothing/ },
    { field: 'description', rule: /255/ },
    { field: '', rule: '' },
  ]);
});
