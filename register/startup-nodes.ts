/** A startup node of a `Cluster`, as an object. */
export interface StartupNode {
  readonly host: string;
  readonly port: number;
  readonly username?: unknown;
  readonly password?: unknown;
  readonly tls?: unknown;
}

/** The startup nodes of a program, which gives each as an object, a text or a port; with ioredis' defaults. */
export function startupNodesOf(given: unknown): StartupNode[] {
  const nodes: unknown[] = Array.isArray(given) ? given : [];
  return nodes.map((node) => {
    const fields = typeof node === 'object' && node !== null ? (node as Fields) : fieldsIn(String(node));
    return { ...fields, host: String(fields.host || '127.0.0.1'), port: Number(fields.port || 6379) };
  });
}

type Fields = Partial<Record<keyof StartupNode, unknown>>;

/** The fields of a node that is a port, `host:port` or a URL, whose query holds options. */
function fieldsIn(text: string): Fields {
  if (/^\d+$/.test(text)) return { port: text };
  const url = text.includes('//') ? text.replace(/^\/\//, 'redis://') : `redis://${text}`;
  if (!URL.canParse(url)) return {};
  const { hostname, port, username, password, searchParams } = new URL(url);
  const { family, ...options } = Object.fromEntries(searchParams);
  return {
    ...options,
    ...(family && { family: Number(family) }),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    host: hostname.replace(/^\[|\]$/g, ''),
    port,
  };
}
