// The entry point exists without a declaration of its own.
declare module 'msgpackr/index-no-eval' {
  export { Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE, REUSE_BUFFER_MODE, Unpackr } from 'msgpackr';
}
