import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** A DNS server of this machine, with the records that it is given. */
export class DnsServer {
  /** How many questions were asked. */
  questions = 0;
  readonly #socket: Socket;
  readonly #records: Readonly<Record<string, DnsRecord>>;

  private constructor(socket: Socket, records: Readonly<Record<string, DnsRecord>>) {
    this.#socket = socket;
    this.#records = records;
    socket.on('message', (query, sender) => {
      this.#answer(query, sender);
    });
  }

  static async start(records: Readonly<Record<string, DnsRecord>>): Promise<DnsServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket, records);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async stop(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  /** As a recursive server does, it follows aliases to the addresses, and lists the aliases with them. */
  #recordsFor(name: string, type: number): Buffer[] {
    const record = this.#records[name];
    if (!record) return [];
    if ('alias' in record) {
      const alias = resource(name, CNAME, writeName(record.alias));
      return type === CNAME ? [alias] : [alias, ...this.#recordsFor(record.alias, type)];
    }
    if (type !== A) return [];
    return record.addresses.map((address) => resource(name, A, Buffer.from(address.split('.').map(Number))));
  }

  /** Answers one question, as RFC 1035 lays it out: a header of 12 bytes, the question, the answers. */
  #answer(query: Buffer, sender: RemoteInfo): void {
    this.questions += 1;
    const { name, end } = readName(query);
    const type = query.readUInt16BE(end);
    const question = query.subarray(12, end + 4);
    const record = this.#records[name.toLowerCase()];
    const answers = this.#recordsFor(name.toLowerCase(), type);
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // A response, with recursion available; NXDOMAIN for a name without any record.
    header.writeUInt16BE(record ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    this.#socket.send(Buffer.concat([header, question, ...answers]), sender.port, sender.address);
  }
}

/** What a name stands for. */
export type DnsRecord = { readonly alias: string } | { readonly addresses: readonly string[] };

const A = 1;
const CNAME = 5;

function resource(name: string, type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(60, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([writeName(name), head, data]);
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let index = 12;
  for (let length = query[index] ?? 0; length > 0; length = query[index] ?? 0) {
    labels.push(query.toString('latin1', index + 1, index + 1 + length));
    index += 1 + length;
  }
  return { name: labels.join('.'), end: index + 1 };
}

function writeName(name: string): Buffer {
  const labels = name
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}
