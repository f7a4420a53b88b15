import { MIX } from './shared/mix.ts';
import { optionsOf } from './shared/phases.ts';
import { requestsOf } from './shared/requests.ts';

export { handleSummary } from './shared/requests.ts';

// Where is the limit, and does the service refuse what is beyond it? The rate rises to three times the usual one.
export const options = optionsOf(300, [
  { name: 'before', share: 0.2, rate: 1 },
  { name: 'climb', share: 0.4, from: 1, rate: 3, overload: true },
  { name: 'top', share: 0.2, rate: 3, overload: true },
  { name: 'after', share: 0.2, rate: 0.5 },
]);

export default requestsOf(MIX);
