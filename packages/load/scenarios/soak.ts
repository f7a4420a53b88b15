import { MIX } from './shared/mix.ts';
import { optionsOf } from './shared/phases.ts';
import { requestsOf } from './shared/requests.ts';

export { handleSummary } from './shared/requests.ts';

// Does it last? Half the usual rate for an hour: leaks of memory and connections show.
export const options = optionsOf(3600, [{ name: 'soak', share: 1, rate: 0.5 }]);

export default requestsOf(MIX);
