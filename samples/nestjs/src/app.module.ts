import { Module, type DynamicModule } from '@nestjs/common';
import type { ConfigureForAzureOptions } from 'ioredis-azure';
import { HealthController } from './health.controller';
import { RedisModule } from './redis.module';
import { VisitsController } from './visits.controller';

@Module({})
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- Nest's modules are classes.
export class AppModule {
  static forRoot(options: ConfigureForAzureOptions, prefix: string): DynamicModule {
    return {
      module: AppModule,
      imports: [RedisModule.forRoot(options, prefix)],
      controllers: [HealthController, VisitsController],
    };
  }
}
