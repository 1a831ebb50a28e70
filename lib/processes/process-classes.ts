/**
 * Subclasses of Process and their addresses.
 */
import { type AnyFunction, defineTask, taskReferenceOf, type TaskReference } from '../internal/task-reference.js';

/** A class is a function to the registry: its prefix keeps it apart from a task of the same name. */
const PREFIX = 'class ';

const bases = new WeakSet<object>();

/** Every child has an equal class: it need not be found. */
export function becomeBase(processClass: object): void {
  bases.add(processClass);
}

export function isBase(processClass: object): boolean {
  return bases.has(processClass);
}

/** Makes a class known by its address. */
export function registerProcessClass(module: string, processClass: AnyFunction): void {
  defineTask(module, PREFIX + processClass.name, processClass);
}

/** The address of a registered class. */
export function processClassReference(processClass: unknown): TaskReference | undefined {
  return taskReferenceOf(processClass);
}
