import { register } from 'node:module';

register('./resolve-ioredis5.js', import.meta.url);
