import { MIX } from './shared/mix.ts';
import { optionsOf } from './shared/phases.ts';
import { requestsOf } from './shared/requests.ts';

export { handleSummary } from './shared/requests.ts';

// A usual day: the rate rises, stays for five minutes of thirteen and falls. The autoscaler adds pods within seconds;
// it takes them away when five minutes were quiet, as the chart asks for.
export const options = optionsOf(780, [
  { name: 'rise', share: 0.02, from: 0.1, rate: 1 },
  { name: 'steady', share: 0.38, rate: 1 },
  { name: 'quiet', share: 0.6, rate: 0.1 },
]);

export default requestsOf(MIX);
