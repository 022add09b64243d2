/** A search for orphans by hand asks each place for itself: one that cannot be asked keeps nobody from the answers of the others. */
import { WorkflowFailedError } from '@temporalio/client'
import { RetryState, TimeoutFailure, TimeoutType } from '@temporalio/common'
import type { Doors } from '../../client/decide'
import { parseFleet } from '../../client/fleet/parse-fleet'
import { findOrphans } from '../../client/orphans'
import type { Cloud } from '../../contracts/fleet'
import type { Orphans, OrphansInput } from '../../contracts/orphans'
import { AZURE_FLEET, FLEET } from '../bad-input/support/world'
import { refusal } from '../conformance/support'

const NOTHING: Orphans = { instances: [], removals: [] }
const databases = [FLEET, AZURE_FLEET].flatMap((file) => parseFleet(file, 'fleet').databases)

/** Doors to a Temporal whose workers serve those clouds alone. */
function served(clouds: readonly Cloud[], asked: string[] = []): Doors {
  const execute = async (_type: string, { args: [input] }: { args: [OrphansInput] }): Promise<Orphans> => {
    asked.push(`${input.cloud}${input.remove ? ': remove' : ''}`)
    if (clouds.includes(input.cloud)) return NOTHING
    const silent = new TimeoutFailure('nobody', undefined, TimeoutType.START_TO_CLOSE)
    throw new WorkflowFailedError('over', silent, RetryState.TIMEOUT)
  }
  const doors: unknown = {
    ledger: { putBundle: async () => 'digest' },
    temporal: { client: { workflow: { execute } }, target: 'nowhere' },
  }
  return doors as Doors
}

const find = (clouds: readonly Cloud[]) => findOrphans(served(clouds), { databases, remove: false, heartbeatTimeoutMs: 1_000 })

test('a cloud that no worker serves is named, and the others are asked', async () => {
  expect(await find(['aws', 'azure'])).toEqual(NOTHING)
  const { unreached } = await find(['aws'])
  expect(unreached).toEqual([
    expect.objectContaining({ cloud: 'azure', why: expect.stringContaining('check that workers for control and azure run') }),
  ])
})

test('before a removal too, and nobody waits for that cloud as long as a removal may take', async () => {
  const asked: string[] = []
  const doors = served(['aws'], asked)
  const { unreached } = await findOrphans(doors, { databases, remove: true, heartbeatTimeoutMs: 1_000 })
  expect(unreached).toEqual([expect.objectContaining({ cloud: 'azure' })])
  expect(asked).toEqual(['aws', 'azure', 'aws: remove'])
})

test('where no place can be asked, that is the answer', async () => {
  await expect(find([])).rejects.toEqual(refusal('NOT_READY_YET', 'No worker answered'))
})
