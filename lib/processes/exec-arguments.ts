/**
 * Which of this process's own Node options a child is started with.
 */

/** Options that say what this process runs, or that bind something only one process can have. */
const NOT_FOR_CHILDREN = [
  '-e',
  '--eval',
  '-p',
  '-pe',
  '--print',
  '-c',
  '--check',
  '-i',
  '--interactive',
  '--input-type',
  '--test',
  '--watch',
  '--watch-path',
  '--inspect',
  '--inspect-brk',
  '--inspect-port',
  '--inspect-wait',
  '--run',
];
/** Those of them whose value can be an argument of its own. */
const WITH_VALUE = ['-e', '--eval', '-p', '-pe', '--print', '--input-type', '--watch-path', '--inspect-port', '--run'];

/** Node options for a child: `--import` and the like, so that what this process can load a child can too. */
export function inheritedExecArguments(own: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < own.length; i++) {
    const argument = own[i] ?? '';
    const [name = '', value] = argument.split('=', 2);
    if (!NOT_FOR_CHILDREN.includes(name)) kept.push(argument);
    else if (value === undefined && WITH_VALUE.includes(name)) i += 1;
  }
  return kept;
}
