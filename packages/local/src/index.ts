// What drills and benchmarks see of the local machine.
export { type Account, connectAs, storedToken } from './accounts.ts';
export { comparedRevision, entryRevision, isAutoSynced, isOperating, isSettled } from './applications.ts';
export type { Application, ArgoClient } from './argocd-api.ts';
export { awaitApplications } from './await-applications.ts';
export { awaitDelivery, type Delivery } from './await-delivery.ts';
export { followPods } from './follow-pods.ts';
export { type Instance, openInstance } from './instance.ts';
export { clusterEnvironment, kubectl } from './kubectl.ts';
export type { MonitoringFiles } from './monitoring/configuration.ts';
export { deployedFiles, monitoringTools, startMonitoring } from './monitoring/monitoring.ts';
export { monitoringURL, runMonitoring, stopMonitoring } from './monitoring/start.ts';
export { type Ports, rememberedPorts } from './ports.ts';
export { strayProcesses } from './process.ts';
export { processes } from './processes.ts';
export { registryAddress } from './registry.ts';
export { publishedImage, publishWorkTree, repositoryURL, servedRepository } from './repository.ts';
export { buildLocalImage } from './service-image.ts';
export { Timeline, timelineTable } from './timeline.ts';
