/** Everything that the SDK takes from outside, in one value, so that a test can stand in for all of it. */
import type { Clock, HttpClient, Random, Schedule } from '../ports.ts';

export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly schedule: Schedule;
  /** For token endpoints, key sets and secret stores; calls between services have connections of their own. */
  readonly http: HttpClient;
}
