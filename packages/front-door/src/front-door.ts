import type { Server } from 'node:http';
import { DELAYS, type Delays } from './delays.ts';
import type { ClusterState } from './kubernetes.ts';
import { createListener, setIdleTimeout } from './listener.ts';
import { type Model, modelBuilder } from './model.ts';
import { createRouter } from './router.ts';
import type { TargetContext } from './target.ts';
import { TargetGroup } from './target-group.ts';

export interface FrontDoorOptions {
  readonly delays?: Delays;
  /** Milliseconds of one second of the settings; less than 1000 makes time run faster, for tests. */
  readonly second?: number;
  readonly accessLog?: ((line: string) => void) | undefined;
  /** Called after each change of a target's state. */
  readonly onChange?: () => void;
}

/** The load balancers of a cluster, without the cluster: it is fed with objects. */
export interface FrontDoor {
  /** Its server, which the caller makes listen. */
  readonly server: Server;
  readonly model: () => Model;
  readonly groups: () => readonly TargetGroup[];
  /** Takes over the state of the cluster. */
  update(state: ClusterState): void;
  /** Ends all connections. */
  close(): void;
}

/** "Connection idle timeout" in the user guide: the default, for connections before there is a load balancer. */
const DEFAULT_IDLE_SECONDS = 60;

export function createFrontDoor(options: FrontDoorOptions = {}): FrontDoor {
  const { delays = DELAYS, second = 1000, accessLog, onChange } = options;
  const context: TargetContext = { delays, second, onChange: () => onChange?.() };
  const build = modelBuilder();
  const groups = new Map<string, TargetGroup>();
  let model: Model = { loadBalancers: [], targetGroups: [], problems: new Map() };
  let route = createRouter(model, groups);
  const server = createListener({ route: (request) => route(request), accessLog });
  setIdleTimeout(server, DEFAULT_IDLE_SECONDS * second);

  function updateGroups(): void {
    const present = new Map(model.targetGroups.map((spec) => [spec.name, spec]));
    for (const [name, group] of groups) {
      if (present.has(name)) continue;
      group.drain();
      if (group.isEmpty()) groups.delete(name);
    }
    for (const [name, spec] of present) {
      const group = groups.get(name) ?? new TargetGroup(spec, context);
      groups.set(name, group);
      group.update(spec);
    }
  }

  return {
    server,
    model: () => model,
    groups: () => [...groups.values()],
    update(state) {
      model = build(state);
      updateGroups();
      // One listener stands for all load balancers: a connection may be idle for as long as the longest of them allows.
      const idles = model.loadBalancers.map(({ settings }) => settings.idleTimeoutSeconds);
      setIdleTimeout(server, (idles.length === 0 ? DEFAULT_IDLE_SECONDS : Math.max(...idles)) * second);
      route = createRouter(model, groups);
    },
    close() {
      for (const group of groups.values()) group.end();
      server.closeAllConnections();
      server.close();
    },
  };
}
