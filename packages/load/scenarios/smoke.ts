import { MIX } from './shared/mix.ts';
import { optionsOf } from './shared/phases.ts';
import { requestsOf } from './shared/requests.ts';

export { handleSummary } from './shared/requests.ts';

// Does it answer at all? A few requests of every kind.
export const options = optionsOf(30, [{ name: 'smoke', share: 1, rate: 0.02 }]);

export default requestsOf(MIX);
