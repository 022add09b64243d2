/** How what makes a standby is named, on both servers alike: whoever comes again, after whatever death, finds what he made by reckoning the name
 *  anew. A slot's name is what binds most: 63 bytes of lower-case letters, digits and underscores. */
import { createHash } from 'node:crypto'
import type { StandbyId, StandbyNames } from '../../contracts/standby'

/** `cap_`, two names and what tells them apart: 4 + 20 + 1 + 20 + 1 + 16. */
const SHOWN_LENGTH = 20
const DIGITS = 16

/** Both directions of a pair have names of their own, so that the way back stands beside the way there. */
export function standbyNames({ source, target }: StandbyId): StandbyNames {
  const name = `cap_${shown(source)}_${shown(target)}_${distinct(source, target)}`
  return { publication: name, slot: name, subscription: name }
}

/** For people; two fleet names may look alike here. */
function shown(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '_')
    .slice(0, SHOWN_LENGTH)
}

/** JSON, so that no two pairs read alike. */
function distinct(source: string, target: string): string {
  return createHash('sha256')
    .update(JSON.stringify([source, target]))
    .digest('hex')
    .slice(0, DIGITS)
}
