/** The rungs of the ladder that ask the copy itself, and what the whole of it came to. */
import { VERIFY_BACKUP_DOCUMENTS } from '../../contracts/verify-backup'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { checkAnswers } from './answers'
import { markMoment } from './beats'
import { challengeContent } from './challenge-content'
import { challengeReached } from './challenge-reached'
import { checkContent } from './content'
import type { BackupProofActivities } from './contract'
import { checkIntact } from './intact'
import { checkReached } from './reached'
import { checkUse } from './use'

export function createBackupProofActivities(deps: ActivityDeps): BackupProofActivities {
  return {
    markMoment: (input) => markMoment(deps, input),
    checkAnswers: (input) => checkAnswers(deps, input),
    checkReached: (input) => checkReached(deps, input),
    checkIntact: (input) => checkIntact(deps, input),
    checkContent: (input) => checkContent(deps, input),
    checkUse: (input) => checkUse(deps, input),
    challengeContent: (input) => challengeContent(deps, input),
    challengeReached: (input) => challengeReached(deps, input),
    async recordVerification({ operation, verification }) {
      assertMayAct()
      await deps.ledger.putDocument({ operation, name: VERIFY_BACKUP_DOCUMENTS.verification, document: verification })
    },
  }
}
