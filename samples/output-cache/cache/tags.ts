import type { ServerResponse } from 'node:http';

const tagsByResponse = new WeakMap<ServerResponse, Set<string>>();

/** Tags the response, so that `OutputCache.evict()` can evict it. Handlers call it before they respond. */
export function tagResponse(response: ServerResponse, ...tags: string[]): void {
  tagsByResponse.set(response, new Set([...tagsOf(response), ...tags]));
}

export function tagsOf(response: ServerResponse): string[] {
  return [...(tagsByResponse.get(response) ?? [])];
}
