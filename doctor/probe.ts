import { once } from 'node:events';
import { lookup as systemLookup, Resolver } from 'node:dns/promises';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import {
  connect as connectTls,
  type ConnectionOptions,
  type DetailedPeerCertificate,
  type TLSSocket,
} from 'node:tls';
import { addAbortSignal } from 'node:stream';
import { withTimeout } from '../lib/timing/timeouts.js';
import type { Context } from './options.js';

/** The host, as DNS knows it. */
export interface HostName {
  readonly addresses: readonly string[];
  /** The CNAME records from the name to that of the addresses, in order. */
  readonly aliases: readonly string[];
  /** Why there are no addresses; empty if there are. */
  readonly failure: string;
}

/** How an attempt to connect ended. */
export interface PortOutcome {
  readonly address: string;
  readonly outcome: 'open' | 'closed' | 'dropped' | 'unreachable';
  /** How long it took, in ms. */
  readonly time: number;
  /** Why it is unreachable. */
  readonly reason: string;
}

/** The result of a TLS handshake. */
export interface Handshake {
  readonly protocol: string;
  readonly cipher: string;
  readonly certificate: DetailedPeerCertificate;
  /** The names in the chain, from the certificate to the root. */
  readonly chain: readonly string[];
  /** Why the certificate is not trusted, regardless of its name: a code of OpenSSL. Empty if it is trusted. */
  readonly distrust: string;
}

/** The longest chain of aliases that is followed. */
const MAX_ALIASES = 8;

/** Resolves a name with the system, as sockets of Node.js do, or with the DNS servers given. */
export async function resolveHost(
  host: string,
  { options: { dnsServers }, stepTimeout, signal }: Context,
): Promise<HostName> {
  if (isIP(host) !== 0) return { addresses: [host], aliases: [], failure: '' };
  const resolver = new Resolver({ timeout: stepTimeout, tries: 1 });
  if (dnsServers) resolver.setServers(dnsServers);
  signal.addEventListener('abort', () => {
    resolver.cancel();
  });
  const [addresses, aliases] = await Promise.all([
    dnsServers ? queryAddresses(resolver, host) : systemAddresses(host),
    queryAliases(resolver, host),
  ]);
  return { addresses, aliases, failure: addresses.length === 0 ? 'no address' : '' };
}

/** The `lookup` of sockets: absent if the system resolves the host. */
export function lookupOf(context: Context): { readonly lookup?: LookupFunction } {
  if (!context.options.dnsServers) return {};
  return {
    lookup: (host, { family = 0, all }, callback) => {
      resolveHost(host, context).then(
        ({ addresses }) => {
          const found = addresses
            .map((address) => ({ address, family: isIP(address) }))
            .filter((entry) => [0, entry.family, `IPv${entry.family}`].includes(family));
          if (all === true) callback(null, found);
          else callback(null, found[0]?.address ?? '', found[0]?.family ?? 0);
        },
        (error: unknown) => {
          callback(error instanceof Error ? error : new Error(String(error)), '', 0);
        },
      );
    },
  };
}

async function systemAddresses(host: string): Promise<string[]> {
  const entries = await systemLookup(host, { all: true });
  return entries.map(({ address }) => address);
}

async function queryAddresses(resolver: Resolver, host: string): Promise<string[]> {
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const addresses = [four, six].flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  if (addresses.length === 0 && four.status === 'rejected') throw four.reason;
  return addresses;
}

/** Aliases only explain an address: an error of this query is not a fault. */
async function queryAliases(resolver: Resolver, host: string): Promise<string[]> {
  const aliases: string[] = [];
  let name = host;
  while (aliases.length < MAX_ALIASES) {
    const [alias] = await resolver.resolveCname(name).catch(() => []);
    if (alias === undefined || aliases.includes(alias)) break;
    aliases.push(alias);
    name = alias;
  }
  return aliases;
}

/** Connects once; never rejects. */
export async function tryPort(context: Context): Promise<PortOutcome> {
  const address = context.host;
  const start = performance.now();
  try {
    (await openTcp(context)).destroy();
    return { address, outcome: 'open', time: performance.now() - start, reason: '' };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const outcome = code === 'ECONNREFUSED' ? 'closed' : code === 'ETIMEDOUT' ? 'dropped' : 'unreachable';
    return { address, outcome, time: performance.now() - start, reason: code ?? message };
  }
}

function openTcp(context: Context): Promise<Socket> {
  const { host, port } = context;
  return opened(connectTcp({ host, port, ...lookupOf(context) }), 'connect', context);
}

function openTls(options: ConnectionOptions, context: Context): Promise<TLSSocket> {
  const { host, port } = context;
  return opened(connectTls({ host, port, ...lookupOf(context), ...options }), 'secureConnect', context);
}

/** Waits until the socket is open, which is destroyed when the diagnosis ends. */
async function opened<Opening extends Socket>(
  socket: Opening,
  event: 'connect' | 'secureConnect',
  { stepTimeout, signal }: Context,
): Promise<Opening> {
  // It stays: a socket may emit another error later on.
  socket.on('error', () => undefined);
  addAbortSignal(signal, socket);
  try {
    await withTimeout((timeoutSignal) => once(socket, event, { signal: timeoutSignal }), stepTimeout);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Reads the certificate without verifying it; nothing secret is sent. */
export async function inspectTls(context: Context): Promise<Handshake> {
  const lenient = { ...context.tls, rejectUnauthorized: false, checkServerIdentity: () => undefined };
  const socket = await openTls(lenient, context);
  try {
    // Typed as an Error, it is the code of OpenSSL.
    const reason: unknown = socket.authorizationError;
    const certificate = socket.getPeerCertificate(true);
    return {
      protocol: socket.getProtocol() ?? 'an unknown protocol',
      cipher: socket.getCipher().standardName,
      certificate,
      chain: chainOf(certificate),
      distrust: socket.authorized ? '' : reason instanceof Error ? reason.message : String(reason),
    };
  } finally {
    socket.destroy();
  }
}

/** OpenSSL 3 allows the ciphers of TLS 1.0 and 1.1 at this level only. */
const OLD_CIPHERS = 'DEFAULT@SECLEVEL=0';

/** Whether the endpoint accepts an outdated version of TLS. */
export async function acceptsVersion(version: 'TLSv1' | 'TLSv1.1', context: Context): Promise<boolean> {
  const options = {
    ...{ minVersion: version, maxVersion: version, ciphers: OLD_CIPHERS, rejectUnauthorized: false },
    servername: context.tls?.servername,
  };
  try {
    (await openTls(options, context)).destroy();
    return true;
  } catch {
    return false;
  }
}

/** Whether Redis answers without TLS: with +PONG or, before a login, with -NOAUTH. TLS sends an alert. */
export async function answersWithoutTls(context: Context): Promise<boolean> {
  const line = await firstReplyLine({ ...context, tls: undefined }, ['PING']).catch(() => '');
  return /^[+-]/.test(line);
}

/**
 * Sends one command on a separate connection and returns the first line of the reply: of a login, it says whether it
 * was accepted. ioredis is not used for it: it logs in by itself, and version 5 does not read RESP3.
 *
 * @throws Error if the connection fails, or there is no reply in time.
 */
export async function firstReplyLine(context: Context, command: readonly string[]): Promise<string> {
  const { tls, stepTimeout } = context;
  const socket = await (tls ? openTls(tls, context) : openTcp(context));
  socket.write(encode(command));
  try {
    return withoutArguments(await withTimeout(() => firstLine(socket), stepTimeout), command);
  } finally {
    socket.destroy();
  }
}

async function firstLine(socket: Socket): Promise<string> {
  let received = '';
  for await (const bytes of socket) {
    received += (bytes as Buffer).toString('latin1');
    const end = received.indexOf('\r\n');
    if (end !== -1) return received.slice(0, end);
  }
  throw new Error('the connection was closed before the reply');
}

function encode(command: readonly string[]): string {
  return `*${command.length}\r\n${command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;
}

/** The answer to an unknown command quotes the beginning of its arguments: of a login, the password. */
function withoutArguments(line: string, [, ...args]: readonly string[]): string {
  const shown = line.replace(/,? with args beginning with:.*$/i, '');
  return args
    .filter((argument) => argument.length >= MIN_SECRET_LENGTH)
    .reduce((text, argument) => text.replaceAll(argument, '<hidden>'), shown);
}

/** Shorter arguments, such as the version of the protocol, are not passwords. */
const MIN_SECRET_LENGTH = 8;

/** The names of a certificate and its issuers, up to the root, which is its own issuer, or the last that is known. */
function chainOf(certificate: Partial<DetailedPeerCertificate>): string[] {
  const { subject, issuer, issuerCertificate } = certificate;
  const names = [commonNameOf(subject)];
  if (issuerCertificate === certificate) return names;
  return [...names, ...(issuerCertificate ? chainOf(issuerCertificate) : [commonNameOf(issuer)])];
}

function commonNameOf(subject: DetailedPeerCertificate['subject'] | undefined): string {
  const { CN, O } = subject ?? {};
  return String(CN ?? O ?? 'an unnamed authority');
}
