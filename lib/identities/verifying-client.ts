import { Agent, globalAgent, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import type { HttpClient, PipelineRequest } from '@azure/core-rest-pipeline';

/**
 * The HTTP client of the Azure SDK, which always verifies the server's certificate: client secrets, assertions and bearer
 * tokens are sent with it. `NODE_TLS_REJECT_UNAUTHORIZED=0` is not heeded.
 */
export async function verifyingClient(): Promise<HttpClient> {
  const { createDefaultHttpClient } = await import('@azure/core-rest-pipeline');
  const client = createDefaultHttpClient();
  return {
    sendRequest(request) {
      const agent = verifyingAgent(request);
      request.requestOverrides = {
        ...request.requestOverrides,
        rejectUnauthorized: true,
        ...(agent && { agent }),
      };
      return client.sendRequest(request);
    },
  };
}

/** The agent with which to send a request; `undefined` for the one that is used anyway. */
function verifyingAgent({ url, agent }: PipelineRequest): Agent | undefined {
  const thumbprint = thumbprintFor(url);
  if (thumbprint) return new ThumbprintAgent(thumbprint);
  // The settings of an agent take precedence over those of a request.
  const isLax = agent === undefined && globalAgent.options.rejectUnauthorized === false;
  return isLax ? new Agent({ ...globalAgent.options, rejectUnauthorized: true }) : undefined;
}

/** The thumbprint that Service Fabric gives to a program for its identity endpoint, whose certificate no authority issued. */
function thumbprintFor(url: string): string | undefined {
  const { IDENTITY_ENDPOINT: endpoint = '', IDENTITY_SERVER_THUMBPRINT: thumbprint } = process.env;
  const isEndpoint = URL.canParse(endpoint) && new URL(endpoint).origin === new URL(url).origin;
  return isEndpoint && url.startsWith('https:') ? thumbprint : undefined;
}

/** Connects to a server whose certificate has this SHA-1 thumbprint, whoever issued it. */
class ThumbprintAgent extends Agent {
  readonly #thumbprint: string;

  constructor(thumbprint: string) {
    super();
    this.#thumbprint = thumbprint.replaceAll(/[^0-9a-f]/gi, '').toUpperCase();
  }

  override createConnection(
    options: RequestOptions & ConnectionOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const socket = connect({ ...options, rejectUnauthorized: false });
    const failed = (error: Error): void => callback?.(error, socket);
    socket.once('error', failed);
    // The request is written after this: nothing is sent to another server.
    socket.once('secureConnect', () => {
      if (socket.getPeerX509Certificate()?.fingerprint.replaceAll(':', '') === this.#thumbprint) {
        socket.removeListener('error', failed);
        callback?.(null, socket);
      } else {
        socket.destroy(
          Object.assign(
            new Error('The certificate has another thumbprint than IDENTITY_SERVER_THUMBPRINT.'),
            {
              code: 'CERT_UNTRUSTED',
            },
          ),
        );
      }
    });
  }
}
