/**
 * Which class the proxy of a kind has.
 */
import { registerCompositeKind } from '../../internal/handle.js';
import { Attachment } from '../../internal/shared-object.js';
import { type ProxyCore, proxyCore } from '../proxy-core.js';
import type { BaseProxy } from './proxy.js';
import { RemoteObject } from './remote-object.js';

type ProxyClass = new (attachment: Attachment<ProxyCore>) => BaseProxy;

const classes = new Map<string, ProxyClass>();

/** Called once by the module of each class. */
export function registerProxy(typeid: string, proxyClass: ProxyClass): void {
  classes.set(typeid, proxyClass);
}

registerCompositeKind('proxy', (address) => {
  const core = proxyCore(address);
  const attachment = new Attachment(core);
  const proxyClass = classes.get(core.address.typeid) ?? RemoteObject;
  return new proxyClass(attachment);
});
