/** What a service, a gateway or a sidecar needs to prove who it is and to check who others are. */

export type { Clock, HttpClient, HttpRequest, HttpResponse } from './ports.ts';
export { asProblem, PROBLEMS, Problem, type ProblemCode, type ProblemOptions, type ProblemSource } from './problem.ts';
