/** Always asked for, whatever the environment: what was written since that moment is lost for whoever uses the instance. It binds to the plan and to the report of what is lost. */
import type { Sha256 } from '../../contracts/operation'
import { REPLACE_STEPS as STEPS } from '../../contracts/replace'
import { awaitApproval } from '../kit/approval'
import type { Run } from '../kit/run'

/** False: it was rejected. What was asked does not drift: the last look behind it says what came to be since. */
export async function approved(run: Run, question: Sha256): Promise<boolean> {
  const asked = { step: STEPS.approve, planned: question, digestOf: () => question, planAgain: async () => question, drifted: '' }
  return !(await awaitApproval(run, asked)).rejected
}
