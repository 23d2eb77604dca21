import { testStage } from './stage-tests.ts';
import { STAGE_A } from './stages.ts';

testStage('stage A of the conformance cases: the core language', STAGE_A);
