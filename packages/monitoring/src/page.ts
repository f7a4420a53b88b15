import { COLOURS, DARK, darkStyle } from '@gitops/report/colours';
import { chart, coloursOf, sparkChart } from './chart.ts';
import type { Collected, DashboardData, Line, PanelData, Span } from './collect.ts';
import { formatValue } from './format.ts';
import type { Level, Panel } from './panel.ts';
import { tableRows } from './report.ts';

const CONTENT = 1216;
const COLUMNS = 24;
const GAP = 12;
const PADDING = 14;
const CHART_HEIGHT = 190;
const SPARK_HEIGHT = 36;
const MOST_NAMES = 8;
const MOST_VALUES = 3;

/** The width inside a panel, in pixels of a page as wide as it gets. */
const innerWidth = ({ width }: Panel): number =>
  Math.round((width * (CONTENT + GAP)) / COLUMNS - GAP - 2 * PADDING - 2);

/**
 * All dashboards as one HTML page that needs no other file and no network, for light and dark ground.
 * @param simulated the address of the README, which says what is simulated on this machine
 */
export function page(collected: Collected, readme: string): string {
  const { address, dashboards } = collected;
  const host = address.replace(/^https?:\/\//, '');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Dashboards: ${escape(host)}</title>
<style>${style()}</style>
</head>
<body>
<header>
<h1>Dashboards <span>${escape(host)}</span></h1>
<p>${escape(timeOf(collected))}</p>
<p class="notice"><strong>This is not Grafana.</strong> <code>make dash</code> asked Prometheus once, with the queries of the panels that Grafana gets.
Nodes, load balancers and AWS may be simulated: <a href="${escape(readme)}#what-is-real-and-what-is-simulated">what is real here</a>.</p>
<nav>${dashboards.map(link).join('')}</nav>
</header>
<main>
${dashboards.map((data) => section(data, collected)).join('\n')}
</main>
</body>
</html>
`;
}

function timeOf({ from, to, step }: Span): string {
  const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long' });
  const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
  const zone = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' });
  const name = zone.formatToParts(to * 1000).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [start, end] = [time.format(from * 1000), time.format(to * 1000)];
  return `${day.format(to * 1000)}, ${start} to ${end} ${name}; a point every ${step} s`;
}

function link({ dashboard, rows }: DashboardData): string {
  const panels = rows.flatMap((row) => row.panels);
  const full = panels.filter(({ missing }) => missing === undefined).length;
  const count = full === panels.length ? `${full} panels` : `${full} of ${panels.length} panels have data`;
  return `<a href="#${dashboard.uid}">${escape(dashboard.title)}<small>${count}</small></a>`;
}

function section({ dashboard, rows }: DashboardData, span: Span): string {
  const { uid, title, description } = dashboard;
  const body = rows.map(
    (row) =>
      `<h3>${escape(row.title)}</h3>\n<div class="row">\n${row.panels.map((data) => panelHtml(data, span)).join('\n')}\n</div>`,
  );
  return `<section id="${uid}">\n<h2>${escape(title)}</h2>\n<p>${prose(description)}</p>\n${body.join('\n')}\n</section>`;
}

function panelHtml({ panel, lines, missing }: PanelData, span: Span): string {
  const { title, description, kind, width, queries } = panel;
  const isNumber = kind === 'number';
  const body =
    missing !== undefined
      ? `<p class="empty"><strong>No data</strong> ${breakable(missing)}</p>`
      : isNumber
        ? numbers(panel, lines, span)
        : kind === 'table'
          ? tableHtml(panel, lines)
          : `${chart(panel, lines, span, { width: innerWidth(panel), height: CHART_HEIGHT })}\n${names(panel, lines)}`;
  const shown = queries.map(({ expr }) => `<code>${breakable(expr)}</code>`).join('');
  return `<article class="${kind}${missing === undefined ? '' : ' missing'}" style="grid-column: span ${width}">
<h4>${escape(title)}</h4>
<p class="what">${prose(description)}</p>
${body}
<details><summary>Query</summary>${shown}</details>
</article>`;
}

function numbers(panel: Panel, lines: readonly Line[], span: Span): string {
  const isOne = lines.length === 1;
  const shown = lines.slice(0, MOST_VALUES).map((line) => {
    const value = `<b class="${levelOf(line.latest, panel.levels)}">${escape(formatValue(line.latest, panel.unit))}</b>`;
    return isOne ? value : `${value} <small>${escape(line.name)}</small>`;
  });
  if (lines.length > MOST_VALUES) shown.push(`<small>and ${lines.length - MOST_VALUES} more</small>`);
  const [first] = lines;
  const spark =
    first === undefined || !isOne
      ? ''
      : sparkChart(panel, first, span, { width: innerWidth(panel), height: SPARK_HEIGHT });
  return `<p class="value${isOne ? '' : ' several'}">${shown.join('<br>')}</p>\n${spark}`;
}

/** What a value is by the levels of its panel. */
function levelOf(value: number | undefined, levels: readonly Level[] = []): Level['is'] | 'plain' {
  if (value === undefined) return 'plain';
  return levels.findLast(({ from }) => value >= from)?.is ?? levels[0]?.is ?? 'plain';
}

function names({ unit }: Panel, lines: readonly Line[]): string {
  const colours = coloursOf(lines);
  const items = lines.map(({ name, latest, isLimit }, index) => {
    const mark = `<svg viewBox="0 0 14 10" width="14" height="10" aria-hidden="true"><path d="M0 5H14" stroke="${colours[index] ?? ''}" stroke-width="3"${isLimit ? ' stroke-dasharray="4 3"' : ''}/></svg>`;
    return `<li>${mark}<span>${escape(name)}</span> <b>${escape(formatValue(latest, unit))}</b></li>`;
  });
  if (items.length > MOST_NAMES) items.splice(MOST_NAMES, Infinity, `<li>and ${lines.length - MOST_NAMES} more</li>`);
  return `<ul>${items.join('')}</ul>`;
}

function tableHtml(panel: Panel, lines: readonly Line[]): string {
  const { columns = {}, queries } = panel;
  const first = Object.keys(columns).length;
  const cell = (text: string, index: number, tag: string): string =>
    `<${tag}${index >= first ? ' class="figure"' : ''}>${breakable(text)}</${tag}>`;
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((text, index) => cell(text, index, tag)).join('')}</tr>`;
  const head = row([...Object.values(columns), ...queries.map(({ legend }) => legend)], 'th');
  const body = tableRows(panel, lines).map((cells) => row(cells, 'td'));
  return `<table><thead>${head}</thead><tbody>${body.join('')}</tbody></table>`;
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A sentence: what stands in backticks is code, and a number is not torn from its percent sign. */
const prose = (text: string): string =>
  escape(text)
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll(/(\d) %/g, '$1&nbsp;%');

/** A long name that may be broken where a reader would. */
const breakable = (text: string): string => escape(text).replaceAll(/[_/:.]+/g, '$&<wbr>');

function style(): string {
  const variables = (colours: typeof COLOURS): string =>
    Object.entries(colours)
      .map(([name, value]) => `--${name}:${value}`)
      .join(';');
  return `
:root{${variables(COLOURS)};--page:#f6f8fa}
@media (prefers-color-scheme: dark){:root{${variables(DARK)};--page:#010409}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:14px/1.45 system-ui,sans-serif}
header,main{max-width:${CONTENT + 48}px;margin:0 auto;padding:0 24px}
header{padding-top:24px}
h1{font-size:24px;margin:0}
h1 span{color:var(--muted);font-weight:400}
h2{font-size:20px;margin:0}
h3{font-size:14px;margin:20px 0 8px;color:var(--muted);font-weight:600}
h4{font-size:14px;margin:0;font-weight:600}
p{margin:4px 0}
header p,section>p{color:var(--muted)}
a{color:var(--blue)}
p code{border:1px solid var(--line);border-radius:4px;padding:0 4px;background:var(--page);white-space:nowrap}
code{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.notice{border-left:3px solid var(--orange);padding:2px 0 2px 12px;margin:12px 0}
nav{display:grid;grid-template-columns:repeat(4,1fr);gap:${GAP}px;margin-top:16px}
nav a{display:block;padding:8px ${PADDING}px;border:1px solid var(--line);border-radius:8px;background:var(--ground);text-decoration:none;font-weight:600}
nav small{display:block;color:var(--muted);font-weight:400;font-size:12px}
section{padding:36px 0 12px}
.row{display:grid;grid-template-columns:repeat(${COLUMNS},minmax(0,1fr));gap:${GAP}px}
article{background:var(--ground);border:1px solid var(--line);border-radius:8px;padding:12px ${PADDING}px;min-width:0;display:flex;flex-direction:column}
article>svg{display:block;width:100%;height:auto;margin-top:6px}
.what{color:var(--muted);font-size:12px;margin:2px 0 4px}
.number .what{order:5}
.number details{order:6}
.value{font-size:13px;margin:6px 0 0}
.value b{font-size:28px;line-height:1.2;font-weight:600;letter-spacing:-.01em}
.several b{font-size:18px}
.value small{color:var(--muted);font-size:12px}
b.good{color:var(--green)}
b.warning{color:var(--orange)}
b.bad{color:var(--red)}
.missing{background:none;border-style:dashed}
.empty{color:var(--muted);margin:8px 0;overflow-wrap:anywhere}
.empty strong{display:block;color:var(--text);font-weight:600}
ul{list-style:none;margin:6px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:2px 16px;font-size:12px}
li{display:flex;align-items:center;gap:6px;min-width:0;color:var(--muted)}
li span{overflow-wrap:anywhere}
li b{color:var(--text);font-weight:600;white-space:nowrap}
li svg{flex:none}
table{border-collapse:collapse;width:100%;margin-top:8px;font-size:13px}
th{text-align:left;color:var(--muted);font-weight:600;font-size:12px}
th,td{padding:5px 10px 5px 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere;vertical-align:top}
tr>:last-child{padding-right:0}
tbody tr:last-child td{border-bottom:0}
.figure{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
details{margin-top:auto;padding-top:8px;font-size:12px;color:var(--muted)}
summary{cursor:pointer;width:max-content}
details code{display:block;margin-top:6px;padding:6px 8px;border-radius:6px;background:var(--page);color:var(--text);overflow-wrap:anywhere}
@media (max-width:900px){article{grid-column:1/-1 !important}nav{grid-template-columns:1fr 1fr}}
${darkStyle()}`;
}
