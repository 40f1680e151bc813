import type { Page } from 'playwright-core';

/** Text that stands out less from its background than WCAG 2 AA asks for, with its ratio. Runs in the page. */
const LOW_CONTRASTS = `
(() => {
  const rgba = (color) => {
    const [red, green, blue, alpha = 1] = color.match(/[\\d.]+/g).map(Number);
    return { channels: [red, green, blue], alpha };
  };
  const luminance = (channels) => {
    const [red, green, blue] = channels.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const backgroundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { channels, alpha } = rgba(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return channels;
    }
    return [255, 255, 255];
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.body.querySelectorAll('*')].filter(hasText).flatMap((element) => {
    const text = luminance(rgba(getComputedStyle(element).color).channels);
    const background = luminance(backgroundOf(element));
    const ratio = (Math.max(text, background) + 0.05) / (Math.min(text, background) + 0.05);
    return ratio < 4.5 ? [element.textContent.trim() + ': ' + ratio.toFixed(2)] : [];
  });
})()`;

const WIDTHS = '[document.documentElement.scrollWidth, document.documentElement.clientWidth]';

/** Buttons and fields that are lower than 44 px, and hard to hit with a finger. */
const SMALL_TARGETS = `
[...document.querySelectorAll('button, .button, input:not([type=hidden])')]
  .filter((element) => element.getBoundingClientRect().height < 44)
  .map((element) => element.outerHTML)`;

/** What makes a page hard to read or to use, at its present size and in its present colours. */
export async function obstacles(page: Page): Promise<string[]> {
  const [content = 0, window = 0] = await page.evaluate<number[]>(WIDTHS);
  return [
    ...(content > window ? [`scrolls sideways: ${content} px in ${window} px`] : []),
    ...(await page.evaluate<string[]>(LOW_CONTRASTS)),
    ...(await page.evaluate<string[]>(SMALL_TARGETS)),
  ];
}
