import type { Plot } from '../row.js';

/** What is drawn of each size. */
interface Series<Item> {
  readonly name: string;
  readonly of: (item: Item) => number;
}

/** How some quantities grow with a size: one small plot each, with logarithmic axes where a quantity grows. */
export function growthPlot<Name extends string, Item extends Readonly<Record<Name, number>>>(
  file: string,
  title: string,
  size: Name,
  items: readonly Item[],
  series: readonly Series<Item>[],
): Plot {
  const sizes = items.map((item) => item[size]);
  return {
    file,
    title,
    spec: {
      title,
      background: 'white',
      hconcat: series.map(({ name, of }) => ({
        width: 220,
        height: 180,
        data: { values: items.map((item) => ({ size: item[size], value: of(item) })) },
        mark: { type: 'line', point: true },
        encoding: {
          x: {
            field: 'size',
            type: 'quantitative',
            title: size,
            scale: { type: 'log' },
            axis: { values: sizes, format: ',' },
          },
          y: { field: 'value', type: 'quantitative', title: name, scale: { type: 'symlog', zero: true } },
        },
      })),
    },
  };
}
