/** A source that lives, and that the control plane cannot reach: it is not taken for dead while anybody else may reach it, and what its cloud says of it proves no fence. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FAILOVER_DOCUMENTS, type FailoverFence, type FailoverPlan } from '../../contracts/failover'
import { labHeaders } from '../../embedded/worker-program'
import type { Session } from '../../postgres/connect/session'
import { until } from '../support/eventually'
import { type LabDoor, labDoor } from '../support/lab'
import { silence } from '../support/silence'
import { Switching } from '../support/switching'

let it: Switching
let lab: LabDoor

beforeAll(async () => {
  it = await Switching.start('gcp')
  lab = labDoor(it.capstan)
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

const failover = (operation: string, ...more: string[]) =>
  it.ended(operation, 'failover', 'stock', '--to', it.pair.name, '--patience', '2s', '--accept-loss', '1h', ...more)

const document = async <T>(operation: string, name: string) => (await it.capstan.ledger.getDocument({ operation, name })) as T

async function sourceIs(): Promise<string | undefined> {
  const { lab: at } = it.capstan.stack
  const answer = await fetch(`${at.api}/_lab/status`, { headers: labHeaders(at) })
  const { instances } = (await answer.json()) as { instances: { cloud: string; id: string; state: string }[] }
  return instances.find(({ cloud, id }) => cloud === 'aws' && id === 'stock')?.state
}

const writes = (session: Session): Promise<boolean> =>
  session.query('UPDATE public.accounts SET holder = holder WHERE id = 2').then(
    () => true,
    () => false,
  )

test('cut off, with a standby that was paused: it is ill, whoever says nothing of it, and nothing is stopped', async () => {
  expect(await it.ended('paused', 'standby', 'pause', 'stock')).toMatchObject({ status: 'succeeded' })
  const mark = await lab.mark()
  const cut = await lab.order({ cloud: 'aws', kind: 'cut-network', instance: 'stock', for: '1h' })
  const operation = await failover('cut')
  await lab.withdraw(cut)
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail' })
  const { probed } = await document<FailoverPlan>('cut', FAILOVER_DOCUMENTS.plan)
  expect(probed).toMatchObject({ verdict: 'ill', asked: { places: 2 } })
  expect(operation.steps.find(({ id }) => id === 'plan')?.detail.summary).toContain('of 2 places that it was asked from')
  expect((await lab.calls(mark)).filter(({ operation: call }) => /Stop|Modify/.test(call))).toEqual([])
  expect(await it.ended('resumed', 'standby', 'resume', 'stock')).toMatchObject({ status: 'succeeded' })
  await it.writesGoOn()
})

test('its cloud says that it is stopped while it runs on, and nobody is answered there: not proven, and the standby stays closed', async () => {
  await it.isFollowing('stock', it.pair.name)
  const [zombie, inside] = [await it.pair.source.app(), await it.pair.source.app()]
  // else the standby's own connection from before goes on, and it hears the source by that
  const cut = await lab.order({ kind: 'cut-link', from: 'gcp', to: 'aws', for: '1h' })
  await lab.order({ cloud: 'aws', kind: 'linger', instance: 'stock', for: '1h' })
  const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: 'stock', for: '1h' })
  const running = failover('unreached', '--fence-within', '10s')
  await until('its cloud to be told', async () => {
    return (await it.capstan.ledger.listFences()).some(({ operation, before }) => operation === 'unreached' && before !== null)
  })
  await lab.withdraw(frozen)
  await until('its cloud to say that it is stopped', async () => (await sourceIs()) === 'stopped')
  const reached = await silence(inside, it.pair.source)
  try {
    await until('the fence to be given up', async () => {
      const steps = (await it.capstan.ledger.getOperation('unreached'))?.steps ?? []
      return steps.some(({ id, state }) => ['fence', 'open'].includes(id) && state !== 'running')
    })
    // it is no silence of the dead
    expect(await writes(zombie)).toBe(true)
  } finally {
    reached()
  }
  await lab.withdraw(cut)
  const operation = await running
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'FENCE_NOT_PROVEN' } })
  expect(operation.steps.map(({ id }) => id)).not.toContain('open')
  const fenced = await document<FailoverFence>('unreached', FAILOVER_DOCUMENTS.fenced)
  expect(fenced).toMatchObject({ outcome: 'not-proven', acknowledged: null })
  expect(fenced.evidence.join(' ')).toMatch(/cut.*From the worker of gcp: silent.*From the standby: silent/s)
  await sleep(500)
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source'])
  await Promise.all([zombie.close(), inside.close()])
})
