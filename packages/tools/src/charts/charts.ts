// What other packages use of upstream charts.
export { type ArgocdStep, argocdSteps } from './argocd-steps.ts';
export { chartsCommand, ensureCharts } from './commands.ts';
export { type LocalChart, type LocalCharts, localCharts } from './local.ts';
export { LOCK } from './lock.ts';
export {
  ARGOCD_FILE,
  type ArgocdChart,
  argocdChart,
  type ChartName,
  isExactVersion,
  isSameChart,
  type NamedChart,
  readArgocdSteps,
  titleOf,
  upstreamCharts,
} from './names.ts';
