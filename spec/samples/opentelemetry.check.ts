import { readFile } from 'node:fs/promises';
import { metrics } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { instrumentIoredisAzure, observeAuthenticator } from '../../samples/opentelemetry/telemetry.js';
import { Cache } from '../support/cache.js';
import { SampleProcess } from '../support/sample-process.js';
import { next, until } from '../support/waiting.js';

const MAIN = 'samples/opentelemetry/main.ts';
const DASHBOARD = 'samples/opentelemetry/dashboard.json';
const ALERTS = 'samples/opentelemetry/alerts.yaml';

/** Labels that Prometheus itself adds, or that belong to its own types. */
const PROMETHEUS_LABELS = ['__name__', 'job', 'instance', 'le'];

describe('samples/opentelemetry', () => {
  it('serves the metrics of its clients across expiries', async () => {
    const sample = new SampleProcess(MAIN, ['--listen', '0']);
    try {
      const url = await sample.printed(/(http\S+\/metrics)/);
      const scrape = async (): Promise<Series[]> => parse(await (await fetch(url)).text());
      await until(async () => total(await scrape(), 'ioredis_azure_reauthentication_duration_count') >= 2);

      const series = await scrape();
      expect(total(series, 'ioredis_azure_token_refresh_duration_count')).to.be.at.least(2);
      expect(total(series, 'ioredis_azure_token_remaining_life')).to.be.within(0, 5);
      const connections = series.filter(({ name }) => name === 'ioredis_azure_connections');
      const open = connections.filter(({ value }) => value > 0);
      expect(open.map(({ labels, value }) => [labels['status'], value])).to.deep.equal([['ready', 2]]);
      for (const name of ['token_refresh_failures', 'reauthentication_failures', 'connection_replacements']) {
        const counts = series.filter((one) => one.name === `ioredis_azure_${name}_total`);
        expect(counts, name).not.to.deep.equal([]);
        expect(
          counts.every(({ value }) => value === 0),
          name,
        ).to.equal(true);
      }
      expect((await fetch(url.replace('/metrics', '/'))).status).to.equal(404);
    } finally {
      await sample.stop();
    }
    expect(await sample.exitCode()).to.equal(0);
    expect(sample.output).to.match(/evictions: 0\n$/);
  });

  describe('the metrics of failures', () => {
    const cache = Cache.forEach({ tokenLifetime: 4_000 });
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const meterProvider = new MeterProvider({ readers: [exporter] });
    before(() => {
      metrics.setGlobalMeterProvider(meterProvider);
      instrumentIoredisAzure();
    });
    after(async () => {
      metrics.disable();
      await meterProvider.shutdown();
    });

    it('have every name and label that the dashboard and the alerts use', async () => {
      const options = await cache.configure();
      const { authenticator } = options;
      observeAuthenticator(authenticator);
      const client = cache.client({ Redis }, options);
      const subscriber = cache.client({ Redis }, { ...options, protocol: 2 });
      await Promise.all([client.ping(), subscriber.subscribe('news')]);

      await next(authenticator, 'recycled');
      cache.azure.identityDown();
      const failed = next(authenticator, 'tokenRefreshFailed');
      await authenticator.refresh().catch(() => undefined);
      await failed;
      cache.azure.identityRestored();
      cache.azure.refuseLogins();
      await next(authenticator, 'reauthenticationFailed');
      cache.azure.acceptLogins();

      const { resourceMetrics } = await exporter.collect();
      const series = parse(new PrometheusSerializer().serialize(resourceMetrics));
      expect(total(series, 'ioredis_azure_token_refresh_failures_total')).to.be.at.least(1);
      expect(total(series, 'ioredis_azure_reauthentication_failures_total')).to.be.at.least(1);
      expect(total(series, 'ioredis_azure_connection_replacements_total')).to.be.at.least(1);

      const names = new Set(series.map(({ name }) => name));
      const labels = new Set([...PROMETHEUS_LABELS, ...series.flatMap((one) => Object.keys(one.labels))]);
      const queries = [...(await dashboardQueries()), ...(await alertQueries())];
      for (const query of queries) {
        const patterns = metricPatterns(query);
        expect(patterns, query).not.to.deep.equal([]);
        for (const pattern of patterns) {
          expect(
            [...names].some((name) => pattern.test(name)),
            `${pattern.source} in ${query}`,
          ).to.equal(true);
        }
        expect([...labels], query).to.include.members(labelsOf(query));
      }
    });
  });

  it('has a dashboard that Grafana can import', async () => {
    const { __inputs, panels } = await readDashboard();
    expect(__inputs).to.have.length(1);
    expect(__inputs[0]).to.include({ name: 'DS_PROMETHEUS', type: 'datasource', pluginId: 'prometheus' });
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
    for (const { title, description, targets } of panels) {
      expect(description, title).to.match(/\.$/);
      for (const { datasource } of targets) expect(datasource.uid, title).to.equal('${DS_PROMETHEUS}');
    }
  });

  it('says what is wrong with its input', async () => {
    const sample = new SampleProcess(MAIN, ['--listen', '70000']);
    expect(await sample.exitCode()).to.equal(2);
    expect(sample.output).to.contain('70000').and.contain('\nFlags: --listen');
  });
});

interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The series of Prometheus' text format. */
function parse(text: string): Series[] {
  return [...text.matchAll(/^(\w+)\{(.*)\} (\S+)/gm)].map(([, name = '', labels = '', value]) => ({
    name,
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', text = '']) => [label, text] as const),
    ),
    value: Number(value),
  }));
}

function total(series: readonly Series[], name: string): number {
  return series.filter((one) => one.name === name).reduce((sum, { value }) => sum + value, 0);
}

interface Dashboard {
  readonly __inputs: readonly object[];
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly description: string;
    readonly targets: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
  }[];
  readonly templating: { readonly list: readonly { readonly definition: string }[] };
}

async function readDashboard(): Promise<Dashboard> {
  return JSON.parse(await readFile(DASHBOARD, 'utf8')) as Dashboard;
}

async function dashboardQueries(): Promise<string[]> {
  const { panels, templating } = await readDashboard();
  return [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...templating.list.map(({ definition }) => definition),
  ];
}

async function alertQueries(): Promise<string[]> {
  return [...(await readFile(ALERTS, 'utf8')).matchAll(/^ +expr: (.+)$/gm)].map(([, query = '']) => query);
}

/** What the names of the metrics of a PromQL query must match. */
function metricPatterns(query: string): RegExp[] {
  const plain = [...query.matchAll(/\bioredis_azure_\w+(?=[{[,)])/g)].map(([name]) => name);
  const patterns = [...query.matchAll(/__name__=~"([^"]+)"/g)].map(([, pattern = '']) => pattern);
  return [...plain, ...patterns].map((source) => new RegExp(`^${source}$`));
}

/** The labels that a PromQL query selects or groups by. */
function labelsOf(query: string): string[] {
  const selected = [...query.matchAll(/(\w+)(?:=~|!=|=)"/g)].map(([, label = '']) => label);
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '));
  return [...selected, ...grouped];
}
