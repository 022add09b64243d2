/** A database that follows itself. */
import { isSame } from '../../../verify/identity'
import { type Check, NOTHING } from '../check'

export const SAME_DATABASE: Check = {
  id: 'same-database',
  questions: [
    async ({ source, standby }) => {
      if (!(await isSame({ source, target: standby }))) return NOTHING
      return {
        findings: [
          {
            severity: 'blocks',
            side: 'standby',
            object: null,
            message: 'The source and the standby are one and the same database.',
            why: 'Each row would be applied where it was just written, and again what that writes.',
            command: '-- name another database of the fleet as the standby',
          },
        ],
      }
    },
  ],
}
