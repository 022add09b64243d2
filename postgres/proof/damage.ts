/** What a refusal of PostgreSQL's says of the pages that it was about to read. */

/** A right, a lock, a limit or a resource that is missing, something that is not supported or no longer there. */
const OTHER_REASONS = /^(?:42501|42809|42P01|42883|0A000|55000|55P03|57014|53\d\d\d)$/

/** Whether the pages may be the reason: damage makes PostgreSQL stumble over anything. `sqlState`: five characters. */
export function tellsOfDamage(sqlState: string): boolean {
  return !OTHER_REASONS.test(sqlState)
}
