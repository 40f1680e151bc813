import 'reflect-metadata';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BadRequestException, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Multiplexer } from 'ioredis-azure';
import { AzureRedisEmulator } from 'ioredis-azure/emulator';
import { AppModule } from './app.module';
import { VisitsController } from './visits.controller';

describe('VisitsController', () => {
  let azure: AzureRedisEmulator;
  let app: INestApplication;

  beforeAll(async () => {
    azure = await AzureRedisEmulator.start({ tokenLifetime: 3_000 });
    const module = await Test.createTestingModule({
      imports: [AppModule.forRoot(azure.options, 'test:')],
    }).compile();
    app = await module.createNestApplication().init();
  }, 30_000);

  afterAll(async () => {
    await app.close();
    await azure.stop();
  });

  it('rejects a page that is invalid', async () => {
    await expect(app.get(VisitsController).add('../x')).rejects.toBeInstanceOf(BadRequestException);
  });

  it('counts visits, after a token has expired, too', async () => {
    const visits = app.get(VisitsController);
    expect(await visits.add('home')).toEqual({ page: 'home', visits: 1 });
    await once(app.get(Multiplexer).authenticator, 'reauthenticated');
    expect(await visits.add('home')).toEqual({ page: 'home', visits: 2 });
    expect(azure.statistics.evictions).toHaveLength(0);
  }, 30_000);
});
