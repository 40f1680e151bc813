/** A startup node of a `Cluster`, as an object. */
interface StartupNode {
  readonly host: string;
  readonly port: number;
  readonly username?: unknown;
  readonly password?: unknown;
  readonly tls?: unknown;
}

/** The startup nodes of a program, which gives each as an object, a text or a port; with ioredis' defaults. */
export function startupNodesOf(given: unknown): StartupNode[] {
  const nodes = Array.isArray(given) ? (given as (Fields | string | number)[]) : [];
  return nodes.map((node) => {
    const { host, port, ...others } = typeof node === 'object' ? node : fieldsIn(String(node));
    return { ...others, host: host ?? '127.0.0.1', port: Number(port ?? 6379) };
  });
}

type Fields = Partial<Omit<StartupNode, 'port'>> & { readonly port?: number | string };

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
    ...(hostname && { host: hostname.replace(/^\[|\]$/g, '') }),
    ...(port && { port }),
  };
}
