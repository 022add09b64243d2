/** What the cloud says of an exchange where a person has had a hand in it: what it said before may be over. */
import type { ExchangeEnd, WriterProven } from '../../contracts/exchange'
import { failureRecord, isDefect } from '../kit/failures'

/** The roles by now. A cloud that does not answer leaves what it said when the exchange ended: the databases are asked all the same. One that answers, and not with
 *  roles that can be told, is waited for. */
export async function wordNow(end: ExchangeEnd | null, rolesNow: () => Promise<ExchangeEnd>): Promise<ExchangeEnd> {
  try {
    return await rolesNow()
  } catch (error) {
    if (end === null || isDefect(error) || failureRecord(error).code === 'NOT_READY_YET') throw error
    return end
  }
}

/** Nobody is led to the replica where the databases, or where a person took those out of our hands the cloud, say that the source is what it was. */
export function hasStayed(proven: WriterProven | null, word: ExchangeEnd | null): boolean {
  return proven === null ? word?.outcome === 'stayed' : proven.writer !== 'standby'
}
