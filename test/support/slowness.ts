/** How many times slower everything may be than usual, which is no reason to give up: under a sanitizer. */
export const slowness = Number(process.env['TEST_SLOWNESS'] ?? 1);
