/**
 * The public error for what the system says about sockets.
 */
import { ExistsError, MultiprocError, NotFoundError, PermissionError, SystemError } from '../errors.js';

const EXISTS = new Set<unknown>(['EADDRINUSE']);
const NOBODY = new Set<unknown>(['ECONNREFUSED', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN']);
const FORBIDDEN = new Set<unknown>(['EACCES', 'EPERM']);

/** @param action completes "Cannot …". */
export function networkError(error: NodeJS.ErrnoException, action: string): MultiprocError {
  if (error instanceof MultiprocError) return error;
  const { code, errno, syscall } = error;
  const details = { cause: error, errno: Math.abs(errno ?? 0), syscall: syscall ?? '' };
  if (EXISTS.has(code)) return new ExistsError(`Cannot ${action}: the address is in use`, { cause: error });
  if (NOBODY.has(code))
    return new NotFoundError(`Cannot ${action}: nobody listens there (${String(code)})`, { cause: error });
  if (FORBIDDEN.has(code)) return new PermissionError(`Cannot ${action}: ${error.message}`, details);
  return new SystemError(`Cannot ${action}: ${error.message}`, details);
}
