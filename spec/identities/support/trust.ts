import { globalAgent } from 'node:https';

/** Lets HTTPS requests of this process trust an authority, and gives the function that ends it. */
export function trust(ca: string): () => void {
  const before = globalAgent.options.ca;
  globalAgent.options.ca = ca;
  return () => {
    globalAgent.options.ca = before;
    globalAgent.destroy();
  };
}
