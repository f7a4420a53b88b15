// Each colour as it is on light ground and on dark; a viewer that knows no media queries shows the light ones. Texts have
// a contrast of at least 4.5 to the ground, lines one of 3.
const PAIRS = {
  ground: ['#ffffff', '#0d1117'],
  text: ['#1f2328', '#e6edf3'],
  muted: ['#59636e', '#9198a1'],
  line: ['#d1d9e0', '#30363d'],
  blue: ['#0969da', '#4493f8'],
  purple: ['#8250df', '#ab7df8'],
  green: ['#1a7f37', '#3fb950'],
  orange: ['#bc4c00', '#f0883e'],
  red: ['#cf222e', '#f85149'],
  teal: ['#1b7c83', '#39c5cf'],
  pink: ['#bf3989', '#f778ba'],
  yellow: ['#9a6700', '#d29922'],
} as const;

type Colour = keyof typeof PAIRS;

const valuesOf = (ground: 0 | 1): Readonly<Record<Colour, string>> =>
  Object.fromEntries(Object.entries(PAIRS).map(([name, pair]) => [name, pair[ground]])) as Record<Colour, string>;

/** The colours of pictures and pages, as on light ground. */
export const COLOURS = valuesOf(0);

/** The same on dark ground. */
export const DARK = valuesOf(1);

/** A style sheet that gives every SVG in these colours those for dark ground, where the reader prefers it. */
export function darkStyle(): string {
  const rules = Object.values(PAIRS).flatMap(([light, dark]) => [
    `[fill="${light}"]{fill:${dark}}`,
    `[stroke="${light}"]{stroke:${dark}}`,
  ]);
  return `@media (prefers-color-scheme: dark){${rules.join('')}}`;
}

/** Adds to an SVG in these colours a title for people who hear it, and the colours on dark ground. */
export function forLightAndDark(svg: string, title: string): string {
  const head = `<title>${title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</title>\n<style>${darkStyle()}</style>`;
  return svg.replace(/^<svg[^>]*>/, (tag) => `${tag}\n${head}`);
}
