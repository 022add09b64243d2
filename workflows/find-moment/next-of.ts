/** What the looks so far say. Pure. */
import type { AnsweredLook, SearchAnswer } from '../../contracts/find-moment'
import { type SoughtAnswer, type SoughtMoment, seekLastGood } from '../../contracts/last-good'

/** Only answers of one role are held against each other. */
export function nextOf(
  sought: Omit<SoughtMoment, 'looks'> & { readonly looks: readonly AnsweredLook[] },
): SoughtAnswer | SearchAnswer {
  const [first] = sought.looks
  const other = sought.looks.find(({ role }) => role !== first?.role)
  if (first === undefined || other === undefined) return seekLastGood(sought)
  return { kind: 'other-role', at: other.at, role: other.role, before: first.role }
}
