/**
 * Handover: a proxy that the server has made for an answer only.
 */

/** To be closed when the answer is on its way, which keeps the object alive. */
export class Handover {
  readonly proxy: Disposable;

  constructor(proxy: Disposable) {
    this.proxy = proxy;
  }
}
