// What other packages use of upstream charts.
export { chartsCommand, ensureCharts } from './commands.ts';
export { type LocalChart, type LocalCharts, localCharts } from './local.ts';
export { LOCK } from './lock.ts';
export {
  ARGOCD_INSTALLATION,
  argocdChart,
  type ChartName,
  isExactVersion,
  isSameChart,
  type NamedChart,
  titleOf,
  upstreamCharts,
} from './names.ts';
