/**
 * With `PROPERTY_SEED` property tests take the same values in each run, so that a change is judged by what it changes; without it they
 * search for more.
 */
import fc from 'fast-check';

const { PROPERTY_SEED: seed } = process.env;
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });
