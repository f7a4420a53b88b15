import type { Page } from 'playwright-core';

/**
 * What a reader would complain about, a line each: something wider than the window, a panel without a picture, things
 * that cover each other, text that is cut or has a contrast below 4.5 (WCAG 2.2, 1.4.3). It runs in the page.
 */
export const pageProblems = async (page: Page): Promise<string[]> => page.evaluate<string[]>(`(${LOOK})()`);

const LOOK = String.raw`() => {
  const problems = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) problems.push('the page is ' + root.scrollWidth + ' wide, the window ' + root.clientWidth);

  const isEmpty = ({ width, height }) => width < 1 || height < 1;
  const overlap = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  const covered = (elements, what) => {
    const boxes = elements.map((element) => [element, element.getBoundingClientRect()]).filter(([, box]) => !isEmpty(box));
    for (const [index, [element, box]] of boxes.entries())
      for (const [other, second] of boxes.slice(index + 1))
        if (overlap(box, second)) problems.push(what + ': "' + element.textContent.trim().slice(0, 30) + '" and "' + other.textContent.trim().slice(0, 30) + '" cover each other');
  };

  const panels = [...document.querySelectorAll('article')];
  if (panels.length < 60) problems.push('only ' + panels.length + ' panels');
  covered(panels, 'panels');
  for (const panel of panels) {
    const title = panel.querySelector('h4').textContent;
    covered([...panel.children], title);
    if (panel.matches('.missing, .table')) {
      if (panel.querySelector('.empty, tbody tr') === null) problems.push(title + ': empty');
      continue;
    }
    if (panel.matches('.number') && panel.querySelector('.several') !== null) continue;
    const picture = panel.querySelector(':scope > svg');
    if (picture === null) { problems.push(title + ': no picture'); continue; }
    const box = picture.getBoundingClientRect();
    if (isEmpty(box)) problems.push(title + ': its picture cannot be seen');
    const lines = [...picture.querySelectorAll('path')].filter((path) => path.getAttribute('fill') === 'none' && path.getTotalLength() > 0 && path.getAttribute('stroke-width') !== null);
    const dots = [...picture.querySelectorAll('path')].filter((path) => path.getAttribute('fill') !== 'none');
    if (lines.length + dots.length === 0) problems.push(title + ': no line in its picture');
    const texts = [...picture.querySelectorAll('text')];
    covered(texts, title);
    for (const text of texts) {
      const { left, right, top, bottom } = text.getBoundingClientRect();
      if (left < box.left - 1 || right > box.right + 1 || top < box.top - 1 || bottom > box.bottom + 1)
        problems.push(title + ': "' + text.textContent + '" is cut');
    }
  }

  const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    for (let each = element; each !== null; each = each.parentElement) {
      const colour = channels(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = node.textContent.trim();
    if (text === '' || element.closest('style') !== null || isEmpty(element.getBoundingClientRect())) continue;
    const style = getComputedStyle(element);
    const colour = channels(element instanceof SVGElement ? style.fill : style.color);
    const [light, dark] = [luminance(colour), luminance(groundOf(element))].sort((one, other) => other - one);
    const contrast = (light + 0.05) / (dark + 0.05);
    const kind = element.tagName + element.className;
    if (contrast < 4.5 && !seen.has(kind)) {
      seen.add(kind);
      problems.push('contrast ' + contrast.toFixed(2) + ': "' + text.slice(0, 40) + '"');
    }
    if (parseFloat(style.fontSize) < 11) problems.push('font of ' + style.fontSize + ': "' + text.slice(0, 40) + '"');
  }
  return problems;
}`;
