import { Agent, globalAgent } from 'node:https';
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
  if (thumbprint) return thumbprintAgent(thumbprint);
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
function thumbprintAgent(thumbprint: string): Agent {
  const fingerprint = thumbprint.replaceAll(/[^0-9a-f]/gi, '').toUpperCase();
  const agent = new Agent();
  agent.createConnection = (options, callback) => {
    const socket = connect({ ...(options as ConnectionOptions), rejectUnauthorized: false });
    const failed = (error: Error): void => callback?.(error, socket);
    socket.once('error', failed);
    // The request is written after this: nothing is sent to another server.
    socket.once('secureConnect', () => {
      if (socket.getPeerX509Certificate()?.fingerprint.replaceAll(':', '') === fingerprint) {
        socket.removeListener('error', failed);
        callback?.(null, socket);
      } else {
        const message = 'The certificate has another thumbprint than IDENTITY_SERVER_THUMBPRINT.';
        socket.destroy(Object.assign(new Error(message), { code: 'CERT_UNTRUSTED' }));
      }
    });
    return undefined;
  };
  return agent;
}
