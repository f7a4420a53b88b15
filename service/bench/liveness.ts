const INTERVAL_MS = 250;
/** An answer to a probe that takes longer counts as failed; the chart gives /livez 5 s. */
const TIMEOUT_MS = 3000;

/**
 * Asks a server again and again whether it lives. `end` gives how often it was asked, how often it failed, and the
 * longest answer in milliseconds.
 */
export function watchLiveness(adminURL: string): {
  end: () => Promise<{ asked: number; failed: number; longest: number }>;
} {
  const probes: Promise<void>[] = [];
  let [failed, longest] = [0, 0];
  const probe = async (): Promise<void> => {
    const start = performance.now();
    try {
      const response = await fetch(`${adminURL}/livez`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      await response.arrayBuffer();
      if (response.status !== 200) failed += 1;
    } catch {
      failed += 1;
    }
    longest = Math.max(longest, performance.now() - start);
  };
  const timer = setInterval(() => probes.push(probe()), INTERVAL_MS);
  return {
    async end() {
      clearInterval(timer);
      await Promise.all(probes);
      return { asked: probes.length, failed, longest };
    },
  };
}
