/** A source on RDS dies, and applications find it by a name that Route 53 keeps: that cloud's API, or its worker, is silent with it. The standby is opened all the same, and
 *  the name is moved once somebody can. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { OperationDocument } from '../../contracts/operation'
import { eventually, until } from '../support/eventually'
import { labDoor } from '../support/lab'
import { isAt } from '../support/migrating'
import { namedFront } from '../support/named'
import { Switching } from '../support/switching'

let it: Switching | undefined
afterEach(async () => {
  await it?.close()
  it = undefined
})

/** A pair of its own, since a failover uses it up. */
async function behindItsName() {
  const front = namedFront('aws')
  const started = await Switching.start('gcp', { front })
  it = started
  const { capstan, pair } = started
  await started.isFollowing('stock', pair.name)
  await started.writesGoOn()
  return {
    ...{ started, front, capstan, pair },
    begin: (operation: string, ...more: string[]): Promise<OperationDocument> =>
      started.ended(operation, 'failover', 'stock', '--to', pair.name, '--patience', '3s', '--accept-loss', '1h', ...more),
    /** Asked for, and agreed to by somebody else. */
    async approved(operation: string, because: string): Promise<void> {
      await until('the question', async () => isAt(await capstan.ledger.getOperation(operation), 'approve', 'running'))
      const shown = await eventually('the plan', async () => {
        const { stdout } = await pair.cli('ops', 'show', operation, '--plan')
        return stdout === '' ? undefined : stdout
      })
      expect(shown).toContain(`somebody else has to approve it: ${because}`)
      expect(shown).toContain('The endpoint, or a part of it, did not say where it leads')
      await until('an approval', async () => (await pair.cli('ops', 'approve', operation, '--by', 'bob')).code === 0)
    },
    /** The standby takes writes by then, and the name is where it was. */
    async asksForIt(operation: string, followed: Promise<OperationDocument>): Promise<void> {
      expect(await followed).toMatchObject({ status: 'needs-operator' })
      const record = await capstan.ledger.getOperation(operation)
      expect(record?.steps.find(({ id }) => id === 'open')).toMatchObject({ state: 'done' })
      expect(record?.steps.find(({ id }) => id === 'move')).not.toMatchObject({ state: 'done' })
      await until('writes at the standby', async () => started.writers().at(-1) === 'standby')
      expect([started.writers(), await front.leadsTo()]).toEqual([['source', 'standby'], pair.source.host])
    },
    async ledOnceTold(operation: string): Promise<void> {
      expect((await pair.cli('ops', 'resolve', operation, 'retry')).code).toBe(0)
      await until('its end', async () => (await capstan.ledger.getOperation(operation))?.status === 'succeeded')
      await until('the name to lead to the standby', async () => (await front.leadsTo()) === pair.standby.host)
      await started.writesGoOn()
      expect(started.writers()).toEqual(['source', 'standby'])
    },
  }
}

test('its API says nothing: somebody has to approve it, and the name is moved once it answers again', async () => {
  const { front, capstan, pair, begin, approved, asksForIt, ledOnceTold } = await behindItsName()
  const lab = labDoor(capstan)
  const [asked = ''] = await Promise.all(
    front.calls().map((operation) => lab.order({ cloud: 'aws', kind: 'fail', operation, times: 100_000 })),
  )
  await pair.stopSource()
  const running = begin('silent')
  await approved('silent', 'the endpoint does not say that applications are led to the source still')
  await asksForIt('silent', running)
  expect(await lab.struck(asked)).toBeGreaterThan(0)
  await lab.withdrawAll()
  await ledOnceTold('silent')
})

test('no worker of its cloud is left: somebody answers for the fence, and the name is moved once a worker is there again', async () => {
  const { capstan, pair, begin, approved, asksForIt, ledOnceTold } = await behindItsName()
  await pair.stopSource()
  await capstan.spareWorker({ queues: 'control,postgres,azure,gcp' })
  await capstan.stack.worker.stop(0)
  await sleep(100)
  const running = begin('workerless', '--fence-within', '10s', '--acknowledge-unfenced', 'its region is down')
  await approved('workerless', 'the endpoint does not say that applications are led to the source still')
  await asksForIt('workerless', running)
  await capstan.spareWorker()
  await ledOnceTold('workerless')
})
