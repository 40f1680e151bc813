import { spawn } from 'node:child_process';

/** Opens an address in the user's browser; where there is none, nothing happens: the address is printed anyway. */
export function openBrowser(url: string): void {
  const [command, ...args] = commandFor(process.platform);
  const opener = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  opener.on('error', () => undefined);
  opener.unref();
}

function commandFor(platform: NodeJS.Platform): [string, ...string[]] {
  if (platform === 'darwin') return ['open'];
  // rundll32 takes the address as it is; cmd's "start" would read its ampersands.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return ['xdg-open'];
}
