/**
 * Modules of Node that many programs never need from here. Each takes 1 to 3 ms to load, which every start of a process would
 * wait for: so they are loaded when they are used.
 */
export const builtin = {
  get crypto() {
    return process.getBuiltinModule('node:crypto');
  },
  get net() {
    return process.getBuiltinModule('node:net');
  },
  get perfHooks() {
    return process.getBuiltinModule('node:perf_hooks');
  },
  get v8() {
    return process.getBuiltinModule('node:v8');
  },
  get vm() {
    return process.getBuiltinModule('node:vm');
  },
};
