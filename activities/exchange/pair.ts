/** Both sides of an exchange, each at the address that its cloud gives: the fleet file's host may be the very name that is moved. */
import type { ExchangeRequest, ExchangeSides } from '../../contracts/exchange'
import { atItsAddress, type DatabaseEntry } from '../../contracts/fleet'
import type { StepRef } from '../../contracts/step-ref'
import type { ActivityDeps } from '../deps'
import type { Place, SideName } from '../replication/sides'

export interface ExchangeEntries {
  readonly source: DatabaseEntry
  readonly request: ExchangeRequest
}

export async function exchangeEntries(
  { ledger }: Pick<ActivityDeps, 'ledger'>,
  { bundle }: Pick<StepRef, 'bundle'>,
): Promise<ExchangeEntries> {
  const { exchange, database } = await ledger.getBundle(bundle)
  if (exchange === undefined) throw new Error('the bundle does not say which replica is to be exchanged')
  return { source: database, request: exchange }
}

export async function exchangePlaces(
  deps: Pick<ActivityDeps, 'ledger'>,
  input: StepRef & { readonly sides: ExchangeSides },
): Promise<ExchangeEntries & { readonly places: Readonly<Record<SideName, Place>> }> {
  const entries = await exchangeEntries(deps, input)
  return {
    ...entries,
    places: {
      source: { ref: input, entry: atItsAddress(entries.source), address: input.sides.source },
      standby: { ref: input, entry: atItsAddress(entries.request.standby), address: input.sides.standby },
    },
  }
}
