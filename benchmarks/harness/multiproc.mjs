// The library under test, as built in this checkout.
export * from '../../dist/index.js';
