import type { Settings } from '../../src/settings.ts';

const { LOAD } = __ENV;
if (LOAD === undefined) throw new Error('LOAD, the settings as JSON, is missing; `make load SCENARIO=…` sets it');

/** What a run is given, by the environment variable LOAD. */
export const settings = JSON.parse(LOAD) as Settings;
