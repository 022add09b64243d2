/** Both sides of an upgrade, each at the address that its cloud gives: the fleet file's host may be a name that leads elsewhere by now. */
import type { OwnDeployment } from '../../clouds/blue-green-port'
import { atItsAddress, type DatabaseEntry } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import { temporaryName } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'
import { UPGRADE_STEPS, type UpgradeRequest } from '../../contracts/upgrade'
import type { ActivityDeps } from '../deps'
import type { Place } from '../replication/sides'

export interface Upgrading {
  readonly entry: DatabaseEntry
  readonly request: UpgradeRequest
}

export async function upgradingOf(
  { ledger }: Pick<ActivityDeps, 'ledger'>,
  { bundle }: Pick<StepRef, 'bundle'>,
): Promise<Upgrading> {
  const { upgrade, database } = await ledger.getBundle(bundle)
  if (upgrade === undefined) throw new Error('the bundle does not say how an instance is to be changed')
  return { entry: database, request: upgrade }
}

export function placeOf({ operation, step, bundle }: StepRef, entry: DatabaseEntry, address: InstanceAddress): Place {
  return { ref: { operation, step, bundle }, entry: atItsAddress(entry), address }
}

/** The operation's own, whichever of its steps asks. */
export function ownDeployment({ operation }: Pick<StepRef, 'operation'>): OwnDeployment {
  const step = UPGRADE_STEPS.green.id
  return { name: temporaryName(operation, step), owner: { operation, step, expiresAt: null } }
}
