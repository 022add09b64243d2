/** Both sides of a failover, each at the address that its cloud gives: the fleet file's host may be the very name that is moved. */
import type { FailoverRequest } from '../../contracts/failover'
import { FAILOVER_DOCUMENTS } from '../../contracts/failover'
import { type Failure, failure } from '../../contracts/failures'
import { atItsAddress } from '../../contracts/fleet'
import type { OperationId } from '../../contracts/operation'
import type { StandbySides } from '../../contracts/replicate'
import type { StandbyId, StandbyNames } from '../../contracts/standby'
import type { StepRef } from '../../contracts/step-ref'
import { standbyNames } from '../../postgres/replicate/names'
import type { ActivityDeps } from '../deps'
import type { Place, SideName } from '../replication/sides'

export interface FailoverPair {
  readonly id: StandbyId
  readonly request: FailoverRequest
  readonly places: Readonly<Record<SideName, Place>>
  readonly forward: StandbyNames
}

export async function failoverPair(
  { ledger }: Pick<ActivityDeps, 'ledger'>,
  input: StepRef & { readonly sides: StandbySides },
): Promise<FailoverPair> {
  const { failover: request, database } = await ledger.getBundle(input.bundle)
  if (request === undefined) throw new Error('the bundle does not say which standby is to be the writer')
  const id = { source: database.name, target: request.standby.name }
  return {
    ...{ id, request, forward: standbyNames(id) },
    places: {
      source: { ref: input, entry: atItsAddress(database), address: input.sides.source },
      standby: { ref: input, entry: atItsAddress(request.standby), address: input.sides.standby },
    },
  }
}

/** Whoever wrote into both would have two truths. */
export async function assertNotOpened({ ledger }: Pick<ActivityDeps, 'ledger'>, operation: OperationId): Promise<void> {
  if ((await ledger.getDocument({ operation, name: FAILOVER_DOCUMENTS.opened })) !== null) throw alreadyOpened(operation)
}

export function alreadyOpened(operation: OperationId): Failure {
  const message = `${operation} has made the standby the writer: the old writer stays fenced. Make it a standby of the new one by "capstan replicate".`
  return failure('RESOURCE_NOT_OURS', message, { operation })
}
