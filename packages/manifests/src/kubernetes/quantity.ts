// Suffixes of k8s.io/apimachinery/pkg/api/resource.
const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A quantity of Kubernetes, 250m, 0.5, 256Mi or 1e3, in its base unit: CPUs, or bytes. Undefined where it is none. */
export function quantity(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const [, digits = '', exponent, suffix = ''] =
    /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(value) ?? [];
  const factor = FACTORS[suffix];
  return digits === '' || factor === undefined
    ? undefined
    : Number(digits) * (exponent === undefined ? factor : 10 ** Number(exponent));
}

/** CPUs in thousandths, rounded up as the scheduler does. Nothing asked is zero. */
export const milliCpus = (value: unknown): number => Math.ceil(Number(((quantity(value) ?? 0) * 1000).toFixed(6)));

/** Memory in MiB; nothing asked is zero. */
export const mebibytes = (value: unknown): number => (quantity(value) ?? 0) / 2 ** 20;
