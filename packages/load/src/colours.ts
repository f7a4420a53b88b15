// Each colour as it is on light ground and on dark; a viewer that knows no media queries shows the light ones.
const PAIRS = {
  ground: ['#ffffff', '#0d1117'],
  text: ['#1f2328', '#e6edf3'],
  muted: ['#59636e', '#9198a1'],
  line: ['#d1d9e0', '#30363d'],
  all: ['#0969da', '#4493f8'],
  p95: ['#8250df', '#ab7df8'],
  ready: ['#1a7f37', '#3fb950'],
  refused: ['#bc4c00', '#f0883e'],
  failed: ['#cf222e', '#f85149'],
} as const;

type Colour = keyof typeof PAIRS;

/** The colours of a picture by what they stand for, as on light ground. */
export const COLOURS = Object.fromEntries(Object.entries(PAIRS).map(([name, [light]]) => [name, light])) as Readonly<
  Record<Colour, string>
>;

/** Adds to an SVG in these colours a title for people who hear it, and the colours on dark ground. */
export function forLightAndDark(svg: string, title: string): string {
  const rules = Object.values(PAIRS).flatMap(([light, dark]) => [
    `[fill="${light}"]{fill:${dark}}`,
    `[stroke="${light}"]{stroke:${dark}}`,
  ]);
  const head = `<title>${title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</title>\n<style>@media (prefers-color-scheme: dark){${rules.join('')}}</style>`;
  return svg.replace(/^<svg[^>]*>/, (tag) => `${tag}\n${head}`);
}
