import { Controller, Get, Inject, ServiceUnavailableException } from '@nestjs/common';
import { Multiplexer } from 'ioredis-azure';

@Controller('health')
export class HealthController {
  readonly #multiplexer: Multiplexer;

  constructor(@Inject(Multiplexer) multiplexer: Multiplexer) {
    this.#multiplexer = multiplexer;
  }

  /** Answers 503 while the server, or a primary node of a cluster, does not answer. */
  @Get()
  async check(): Promise<object> {
    const { authenticator, connections, isConnected } = this.#multiplexer;
    const state = { expiresOn: authenticator.expiresOn, connections };
    const answers = isConnected && (await this.#multiplexer.ping().catch(() => undefined)) !== undefined;
    if (!answers) throw new ServiceUnavailableException(state);
    return state;
  }
}
