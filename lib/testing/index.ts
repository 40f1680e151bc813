export { LocalAzure } from './local-azure.js';
