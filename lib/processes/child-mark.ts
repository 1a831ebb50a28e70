/**
 * How an environment knows that it is a child: by a property of its global object, which a second copy of the library sees too.
 */
export const CHILD_MARK: unique symbol = Symbol.for('multiproc.child');
