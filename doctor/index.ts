export { diagnose } from './diagnose.js';
export type { DiagnosisSection, Finding, FindingSeverity, FindingStatus } from './finding.js';
export type { DiagnoseOptions } from './options.js';
