import { testStage } from './stage-tests.ts';
import { STAGE_B } from './stages.ts';

testStage('stage B of the conformance cases: the builtins', STAGE_B);
