import 'reflect-metadata';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequestException, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { ConfiguredRedisOptions } from 'ioredis-azure';
import { AzureRedisEmulator } from 'ioredis-azure/emulator';
import { AppModule } from './app.module';
import { HealthController } from './health.controller';
import { REDIS_OPTIONS } from './redis.module';
import { VisitsController } from './visits.controller';

describe('VisitsController', () => {
  let azure: AzureRedisEmulator;
  let app: INestApplication;

  beforeAll(async () => {
    azure = await AzureRedisEmulator.start({ tokenLifetime: 3_000 });
    const module = await Test.createTestingModule({
      imports: [AppModule.forRoot(() => azure.options)],
    }).compile();
    app = await module.createNestApplication().init();
  }, 30_000);

  afterAll(async () => {
    await app.close();
    await azure.stop();
  });

  it('counts visits', async () => {
    const visits = app.get(VisitsController);
    expect(await visits.add('home')).toEqual({ page: 'home', visits: 1 });
    expect(await visits.add('home')).toEqual({ page: 'home', visits: 2 });
  });

  it('rejects a page that is invalid', async () => {
    await expect(app.get(VisitsController).add('../x')).rejects.toBeInstanceOf(BadRequestException);
  });

  it('counts on after the token was refreshed, on the same connection', async () => {
    const { authenticator } = app.get<ConfiguredRedisOptions>(REDIS_OPTIONS);
    await once(authenticator, 'reauthenticated');
    expect(await app.get(VisitsController).add('other')).toEqual({ page: 'other', visits: 1 });
    expect(app.get(HealthController).check()).toHaveProperty('connections.length', 1);
    expect(azure.statistics.connections).toHaveLength(1);
  }, 30_000);
});
