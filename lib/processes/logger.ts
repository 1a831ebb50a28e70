/**
 * The log of the library and of whoever uses it: one logger per process, whose level its children inherit.
 */
import { writeSync } from 'node:fs';
import { format, inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';
import { processName } from '../internal/process-name.js';
import { type LogLevel, nameOfLevel, parseLevel } from './log-levels.js';

/** One message. */
export interface LogRecord {
  readonly level: number;
  /** Such as `INFO`. */
  readonly levelName: string;
  /** Of the process that logs. */
  readonly processName: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly message: string;
}

/** What is done with a message. */
export type LogHandler = (record: LogRecord) => void;

/** What children inherit. */
export interface LogSettings {
  readonly level: number;
  readonly toStderr: boolean;
}

/** The level that counts while none is set: Python's, of its root logger. */
const BY_DEFAULT = 30;
const STDERR = 2;

/**
 * The logger of this process; there is one, see {@link getLogger}. What is below its level, or has no handler to go to, costs next to nothing.
 *
 * ```ts
 * const logger = logToStderr('INFO');
 * logger.info('%d items', 3); // [INFO/MainProcess] 3 items
 * ```
 */
export class Logger {
  #level = 0;
  readonly #handlers = new Set<LogHandler>();

  /** The level below which messages are dropped; 0 (`NOTSET`), the default, means 30 (`WARNING`). Can be set to a number or a name. */
  get level(): number {
    return this.#level;
  }
  set level(level: LogLevel) {
    this.#level = parseLevel(level);
  }

  /** As setting `level`. @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
  setLevel(level: LogLevel): void {
    this.level = level;
  }

  /** The level that counts. */
  getEffectiveLevel(): number {
    return this.#level === 0 ? BY_DEFAULT : this.#level;
  }

  /** Would a message of this level be passed on? @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
  isEnabledFor(level: LogLevel): boolean {
    return parseLevel(level) >= this.getEffectiveLevel();
  }

  /**
   * Has a function called with each message from now on. What it throws is printed on standard error, and hinders nobody. Handlers are this process's: children
   * inherit the level, and whether to log to standard error.
   *
   * @throws TypeError (ERR_MULTIPROC_ARGUMENT).
   */
  addHandler(handler: LogHandler): void {
    if (typeof handler !== 'function')
      throw argumentTypeError(`Cannot add log handler: a function is needed, received ${inspect(handler)}`);
    this.#handlers.add(handler);
  }

  /** Takes back what {@link addHandler} did. */
  removeHandler(handler: LogHandler): void {
    this.#handlers.delete(handler);
  }

  /** Is there anybody to pass messages to? */
  hasHandlers(): boolean {
    return this.#handlers.size > 0;
  }

  /**
   * Logs a message.
   *
   * @param message with `args` as in `util.format`: `%s`, `%d`, `%i`, `%j`, `%o`.
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT) for what is no level.
   */
  log(level: LogLevel, message: unknown, ...args: unknown[]): void {
    const number = parseLevel(level);
    if (this.#handlers.size === 0 || number < this.getEffectiveLevel()) return;
    const record: LogRecord = {
      level: number,
      levelName: nameOfLevel(number),
      processName: processName(),
      pid: process.pid,
      time: Date.now(),
      message: format(message, ...args),
    };
    for (const handler of [...this.#handlers]) {
      try {
        handler(record);
      } catch (error) {
        writeLine(`A log handler failed: ${inspect(error)}`);
      }
    }
  }

  /** Logs at 10. */
  debug(message: unknown, ...args: unknown[]): void {
    this.log(10, message, ...args);
  }

  /** Logs at 20. */
  info(message: unknown, ...args: unknown[]): void {
    this.log(20, message, ...args);
  }

  /** Logs at 30. */
  warning(message: unknown, ...args: unknown[]): void {
    this.log(30, message, ...args);
  }

  /** Logs at 40. */
  error(message: unknown, ...args: unknown[]): void {
    this.log(40, message, ...args);
  }

  /** Logs at 50. */
  critical(message: unknown, ...args: unknown[]): void {
    this.log(50, message, ...args);
  }
}

export const logger = new Logger();
let toStderr = false;

/**
 * The logger of the library in this process (in this thread). The library tells it at `INFO` when a child calls `run()` and with which code it exits, at `DEBUG` which processes
 * this one has started and how they ended. Without a handler nothing is printed, see {@link logToStderr}.
 */
export function getLogger(): Logger {
  return logger;
}

/**
 * Has messages written to standard error, as `[INFO/Process-1] message`, in this process and in the children that it starts from now on.
 *
 * A line is written at once and whole, past `process.stderr`; what cannot be written, because nobody reads there any more, is lost.
 *
 * @param level to set, if it is given.
 * @returns the logger.
 * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT) for what is no level.
 */
export function logToStderr(level?: LogLevel | null): Logger {
  if (level !== undefined && level !== null) logger.setLevel(level);
  if (!toStderr) logger.addHandler(writeRecord);
  toStderr = true;
  return logger;
}

/** What a child is to do as this process does. */
export function logSettings(): LogSettings {
  return { level: logger.level, toStderr };
}

/** In a child. */
export function inheritLogSettings(settings: LogSettings): void {
  logger.setLevel(settings.level);
  if (settings.toStderr) logToStderr();
}

function writeRecord({ levelName, processName, message }: LogRecord): void {
  writeLine(`[${levelName}/${processName}] ${message}`);
}

/** Not by `process.stderr`: it would report a reader that has gone as an error of the program, later. */
function writeLine(line: string): void {
  try {
    writeSync(STDERR, `${line}\n`);
  } catch {
    // There is nowhere else to say it.
  }
}
