import { diagnose, type DiagnoseOptions, type Finding } from 'ioredis-azure/doctor';
import { ExitCode } from '../exit-code.js';
import { type IdentityFlags, identityOptionsOf } from '../identity-flags.js';
import { Output } from '../output.js';
import { FindingPrinter, summaryOf } from './findings.js';

/** The flags of the subcommand. */
export interface DoctorFlags extends IdentityFlags {
  readonly port?: number;
  readonly resourceId?: string;
  readonly managementEndpoint?: string;
  readonly dns?: readonly string[];
  readonly plainPort?: number;
  readonly timeout?: number;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** Diagnoses a cache, prints what was found, and sets the exit code. */
export async function runDoctor(host: string, flags: DoctorFlags): Promise<void> {
  const { watch = false, json } = flags;
  const output = new Output({ json });
  const printer = new FindingPrinter(output);
  const options: DiagnoseOptions = { host, ...(await optionsOf(flags)) };
  const findings = await diagnose({
    ...options,
    onFinding: (finding) => {
      if (!output.isJson) printer.print(finding);
    },
  });
  const summary = summaryOf(findings);
  if (output.isJson) output.json({ host, summary, findings }, { indented: !watch });
  else printer.printSummary(summary);
  if (summary.error > 0) process.exitCode = ExitCode.fault;
  if (watch && canConnect(findings)) {
    const { watchConnection } = await import('./watch.js');
    await watchConnection(options, isCluster(findings), output);
  }
}

async function optionsOf(flags: DoctorFlags): Promise<Omit<DiagnoseOptions, 'host'>> {
  const { port, resourceId, managementEndpoint, dns, plainPort, timeout } = flags;
  return {
    ...(await identityOptionsOf(flags)),
    ...(port !== undefined && { port }),
    ...{ resourceId, managementEndpoint, plainPort, timeout, dnsServers: dns },
  };
}

function canConnect(findings: readonly Finding[]): boolean {
  return findings.some(({ section, status }) => section === 'kind' && status !== 'skipped');
}

function isCluster(findings: readonly Finding[]): boolean {
  return findings.some(({ check, data }) => check === 'kind' && data?.['isCluster'] === true);
}
