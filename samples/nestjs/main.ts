/** Runs the NestJS application. */
import 'reflect-metadata';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './src/app.module';
import { start } from './start';

void start({ listen: { type: 'string', default: '3000' } }, async ({ options, flags, stopping }) => {
  const app = await NestFactory.create(
    AppModule.forRoot(options, flags.prefix),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class.
    { abortOnError: false },
  );
  app.use((_request: unknown, response: ServerResponse, next: () => void) => {
    // Otherwise the connections of clients that go on sending requests keep the server from closing.
    response.shouldKeepAlive &&= !stopping.aborted;
    next();
  });
  try {
    await app.listen(Number(flags.listen));
    console.log(`Try: curl -X POST ${await app.getUrl()}/visits/home`);
    // An application that starts no emulator calls app.enableShutdownHooks() instead.
    if (!stopping.aborted) await once(stopping, 'abort');
  } finally {
    // Answers the requests in flight, then runs onApplicationShutdown().
    await app.close();
  }
});
