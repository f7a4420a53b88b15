import t from 'tap';
import { durationOf, secondsOf } from '../src/duration.ts';
import { type BurnRateAlert, type Failure, secondsToClearing, secondsToFiring, thresholdOf } from '../src/slo.ts';

const fast: BurnRateAlert = { factor: 14.4, long: secondsOf('1h'), short: secondsOf('5m'), for: 120 };
const slow: BurnRateAlert = { factor: 1, long: secondsOf('3d'), short: secondsOf('6h'), for: 0 };

/** To the microsecond: floating-point numbers differ after that. */
const micro = (seconds: number): number => Number(seconds.toFixed(6));

/** The same by counting: one request a second, both windows looked at each second. */
function counted(
  { long, short, ...alert }: BurnRateAlert,
  objective: number,
  { ratio, history }: Required<Failure>,
): number {
  const threshold = thresholdOf(alert, objective);
  for (let time = 0; time <= 3 * long; time += 1) {
    const isBurning = [long, short].every(
      (window) => (ratio * Math.min(time, window)) / Math.min(window, history + time) > threshold,
    );
    if (isBurning) return time + alert.for;
  }
  return Infinity;
}

for (const objective of [0.99, 0.999])
  t.test(`an alert on ${objective} fires when counting by the second says so`, (t) => {
    const alerts = [fast, { ...fast, factor: 6 }];
    const failures = [0, 600, 1e9].flatMap((history) => [0.02, 0.15, 0.5, 1].map((ratio) => ({ ratio, history })));
    for (const failure of failures) {
      const computed = alerts.map((alert) => secondsToFiring(alert, objective, failure));
      const expected = alerts.map((alert) => counted(alert, objective, failure));
      // Counting sees a moment up to a second late.
      const late = expected.map((seconds, index) =>
        seconds === computed[index] ? 0 : seconds - Number(computed[index]),
      );
      t.ok(
        late.every((seconds) => seconds >= 0 && seconds <= 1 + 1e-6),
        `${JSON.stringify(failure)}: computed ${computed.join()}, counted ${expected.join()}`,
      );
    }
    t.end();
  });

t.test('the known cases', (t) => {
  // 14.4 × 0.1 % of an hour is 51.84 s of outage.
  t.equal(micro(secondsToFiring({ ...fast, for: 0 }, 0.999, { ratio: 1 })), 51.84);
  t.equal(micro(secondsToFiring(fast, 0.999, { ratio: 0.5 })), 223.68);
  t.equal(secondsToFiring(fast, 0.999, { ratio: 0.0144 }), Infinity, 'at the threshold it does not burn');
  t.equal(micro(secondsToFiring(slow, 0.999, { ratio: 0.01 })), 25_920);
  t.equal(micro(secondsToClearing(fast, 0.999, { ratio: 0.5 })), 291.36);
  t.equal(secondsToClearing(fast, 0.999, { ratio: 0.01 }), Infinity);
  for (const objective of [0, 1, 1.01, Number.NaN])
    t.throws(() => secondsToFiring(fast, objective, { ratio: 1 }), RangeError, `objective ${objective}`);
  t.end();
});

t.test('durations are those of Prometheus', (t) => {
  const known = { '5m': 300, '1h30m': 5400, '3d': 259_200, '1w': 604_800, '250ms': 0.25, '0s': 0 };
  for (const [text, seconds] of Object.entries(known)) t.equal(secondsOf(text), seconds, text);
  for (const wrong of ['', '5', 'm', '1m1h', '5 m', '-5m', '1.5h'])
    t.throws(() => secondsOf(wrong), { message: /not a duration/ }, JSON.stringify(wrong));
  for (const text of ['5m', '1h30m', '3d', '2d6h', '250ms', '0s']) t.equal(durationOf(secondsOf(text)), text);
  t.equal(durationOf(secondsOf('1w')), '7d');
  t.end();
});
