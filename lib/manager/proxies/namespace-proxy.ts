/**
 * Proxy of a namespace.
 */
import type { ManagedNamespace } from '../interfaces.js';
import { BaseProxy } from './proxy.js';
import { registerProxy } from './revive.js';

/**
 * Attributes in a manager.
 *
 * ```ts
 * await using manager = await Manager();
 * const settings = await manager.Namespace({ x: 1 });
 * await settings.set('x', (await settings.get('x')) + 5);
 * console.log(String(settings)); // Namespace(x=6)
 * ```
 */
export class NamespaceProxy<N extends object = Record<string, unknown>>
  extends BaseProxy
  implements ManagedNamespace<N>
{
  get<K extends keyof N & string>(name: K): Promise<N[K]> {
    return this.ask('get', [name]);
  }

  set<K extends keyof N & string>(name: K, value: N[K]): Promise<void> {
    return this.ask('set', [name, value]);
  }

  delete(name: keyof N & string): Promise<boolean> {
    return this.ask('delete', [name]);
  }

  async value(): Promise<N> {
    return Object.fromEntries(await this.ask<[string, unknown][]>('entries')) as N;
  }
}

registerProxy('Namespace', NamespaceProxy);
