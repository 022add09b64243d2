/** An old writer that comes back: its cloud starts it for maintenance, and it stands still, and goes on, before the watch of its fence has stopped it again. */
import type { Cloud } from '../../contracts/fleet'
import type { CapstanStack } from './capstan-stack'
import { eventually, until } from './eventually'
import { type LabDoor, labDoor } from './lab'

/** Resolves once the watch has stopped it again. The watch comes by once a minute. */
export async function startedByItsCloud(capstan: CapstanStack, cloud: Cloud): Promise<void> {
  const lab = labDoor(capstan)
  const fence = async () => {
    const found = (await capstan.ledger.listFences()).find((one) => one.cloud === cloud && one.instance === 'stock')
    if (found === undefined) throw new Error(`nobody has fenced stock on ${cloud}`)
    return found
  }
  const { reasserted } = await fence()
  await started(lab, cloud)
  const frozen = await lab.order({ cloud, kind: 'freeze-instance', instance: 'stock', for: '1h' })
  await until('the watch to come by', async () => {
    const { look } = await fence()
    return look?.state === 'running' || look?.state === 'changing'
  })
  await lab.withdraw(frozen)
  await until('the watch to have stopped it again', async () => {
    const now = await fence()
    return now.reasserted > reasserted && now.look?.state === 'stopped'
  })
}

/** Its cloud may still be at the stop that it was told. */
async function started(lab: LabDoor, cloud: Cloud): Promise<void> {
  await eventually(`${cloud} to start it for maintenance`, () =>
    lab.order({ cloud, kind: 'maintenance-start', instance: 'stock' }).catch(() => undefined),
  )
}
