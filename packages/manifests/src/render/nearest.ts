/** The names that resemble a mistaken one: the two with most pairs of letters in common. */
export function nearest(name: string, names: readonly string[]): string[] {
  const pairs = (text: string): Set<string> =>
    new Set(Array.from({ length: text.length - 1 }, (_, index) => text.toLowerCase().slice(index, index + 2)));
  const wanted = pairs(name);
  const score = (other: string): number =>
    (2 * [...pairs(other)].filter((pair) => wanted.has(pair)).length) / (wanted.size + other.length);
  return [...names].sort((a, b) => score(b) - score(a)).slice(0, 2);
}
