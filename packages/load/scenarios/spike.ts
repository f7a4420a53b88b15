import { MIX } from './shared/mix.ts';
import { optionsOf } from './shared/phases.ts';
import { requestsOf } from './shared/requests.ts';

export { handleSummary } from './shared/requests.ts';

// Ten times as many clients from one second to the next, faster than any autoscaler: refused where there are too many,
// and served as before when it is over.
export const options = optionsOf(180, [
  { name: 'before', share: 0.3, rate: 0.2 },
  { name: 'spike', share: 0.2, rate: 2, overload: true },
  { name: 'after', share: 0.5, rate: 0.2 },
]);

export default requestsOf(MIX);
