/**
 * How an environment knows that it is in a child: by what worker threads inherit, under a name that a second copy of the library uses too.
 */
export const CHILD_MARK = 'multiproc.child';
export const IDENTITY = 'multiproc.identity';
