import { LIGHT } from './shared/mix.ts';
import { optionsOf } from './shared/phases.ts';
import { requestsOf } from './shared/requests.ts';

export { handleSummary } from './shared/requests.ts';

// For drills, which count failed requests while something happens to the pods. Every tenth request ends its
// connection, so that there are old connections and new ones.
export const options = optionsOf(60, [{ name: 'drill', share: 1, rate: 1 }]);

export default requestsOf(LIGHT, 10);
