/** What the cloud says of an exchange is worth what this attempt can know. */
import { Client, Connection } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { runAct } from '../../../activities/act'
import { createExchangeActivities } from '../../../activities/exchange/exchange'
import type { ManagedPostgres } from '../../../clouds/port'
import { failure } from '../../../contracts/failures'
import { hasStayed, wordNow } from '../../../workflows/exchange/word'
import { fleetEntry } from '../../client/fleet-entry'
import { withLedger } from '../../client/with-ledger'

const it = withLedger()
const STARTED = '2026-11-30T10:00:00.000Z'
let operations = 0

interface Shown {
  readonly replicaOf: string | null
  readonly state?: 'ready' | 'changing' | 'failed'
  readonly instanceId?: string
}

/** `starts`: what the cloud answers, one call after the other; null: its answer gets lost. */
async function exchanging({
  starts = [],
  shop,
  west,
}: {
  starts?: (Error | null)[]
  shop?: Shown | undefined
  west?: Shown | undefined
}) {
  const shown: Record<string, Shown | undefined> = { shop, 'shop-west': west }
  const cloud = {
    exchangeObstacles: async () => ({ obstacles: [], mark: 'm', byHand: [] }),
    startExchange: async () => {
      throw starts.shift() ?? failure('CLOUD_UNREACHABLE', 'the answer got lost')
    },
    describeInstance: async ({ name }: { name: string }) => {
      const found = shown[name]
      if (found === undefined) return null
      const { replicaOf, state = 'ready', instanceId = name } = found
      return { name, instanceId, replicaOf, state, cloudState: state }
    },
  }
  operations += 1
  const operation = `exchange-${operations}`
  const bundle = await it.ledger.putBundle({
    ...{ version: 1, database: fleetEntry('shop', { instance: 'shop' }), migrations: [] },
    exchange: { standby: fleetEntry('shop-west', { instance: 'shop-west' }), followMsMax: 1_000 },
  })
  await it.ledger.openOperation({
    ...{ id: operation, kind: 'exchange', databases: ['shop', 'shop-west'], requestedBy: 'ada', startedAt: STARTED, bundle },
    ...{ cloud: 'aws', environment: 'production', mode: 'apply' },
  })
  const side = (instance: string) => ({ instance, instanceId: instance, host: 'h', port: 1, engineVersion: '17' })
  const input = { operation, step: 's', bundle, sides: { source: side('shop'), standby: side('shop-west') } } as const
  const { beginExchange, rolesNow } = createExchangeActivities({
    ledger: it.ledger,
    cloudOf: () => cloud as unknown as ManagedPostgres,
  })
  const act = <T>(work: () => Promise<T>): Promise<T> =>
    runAct(
      {
        ...{ attempt: 1, scheduledAtMs: 1, signal: new AbortController().signal, stale: () => false },
        ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
      },
      work,
    )
  return { begin: () => act(() => beginExchange(input)), roles: () => act(() => rolesNow(input)) }
}

const refusal = () => failure('CLOUD_REFUSED', 'another operation is going on')

test('a refusal of the attempt that told the cloud first is an end', async () => {
  expect(await (await exchanging({ starts: [refusal()] })).begin()).toEqual({ refused: 'another operation is going on' })
})

test('a refusal after an attempt whose answer got lost is none: the cloud may be at it', async () => {
  const { begin } = await exchanging({ starts: [null, refusal()] })
  await expect(begin()).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' })
  await expect(begin()).rejects.toMatchObject({
    code: 'NOT_READY_YET',
    message: expect.stringContaining('another operation is going on'),
  })
})

const PRIMARY = { replicaOf: null }
const OF_WEST = { replicaOf: 'shop-west' }
const OF_SHOP = { replicaOf: 'shop' }

test.each<[string, Shown | undefined, Shown | undefined, object]>([
  ['both are exchanged', OF_WEST, PRIMARY, { outcome: 'exchanged' }],
  [
    'both are, though the old one is made anew as a replica',
    { ...OF_WEST, state: 'changing' },
    PRIMARY,
    { outcome: 'exchanged' },
  ],
  ['the new one writes and the old one is gone', undefined, PRIMARY, { outcome: 'exchanged' }],
  ['the old one is another of its name', { ...PRIMARY, instanceId: 'new' }, PRIMARY, { outcome: 'exchanged' }],
  ['both are what they were, or were exchanged back', PRIMARY, OF_SHOP, { outcome: 'stayed' }],
  ['the replica has failed, and the source is what it was', PRIMARY, { ...OF_SHOP, state: 'failed' }, { outcome: 'stayed' }],
  ['the replica is gone, and the source is what it was', PRIMARY, undefined, { outcome: 'stayed' }],
])('roles tell that %s', async (_what, shop, west, end) => {
  expect(await (await exchanging({ shop, west })).roles()).toMatchObject(end)
})

test.each<[string, Shown | undefined, Shown | undefined]>([
  ['the source is being changed', { ...PRIMARY, state: 'changing' }, OF_SHOP],
  ['the replica is', PRIMARY, { ...OF_SHOP, state: 'changing' }],
  ['the new writer is', OF_WEST, { ...PRIMARY, state: 'changing' }],
  ['both are primaries', PRIMARY, PRIMARY],
  ['the new writer has failed', OF_WEST, { ...PRIMARY, state: 'failed' }],
  ['both are gone', undefined, undefined],
])('nothing is concluded from roles while %s', async (_what, shop, west) => {
  await expect((await exchanging({ shop, west })).roles()).rejects.toMatchObject({ code: 'NOT_READY_YET' })
})

const EXCHANGED = { outcome: 'exchanged', summary: 'shop-west is the primary' } as const
const STAYED = { outcome: 'stayed', summary: 'shop is the primary' } as const
const failing = (code: string) => () => Promise.reject(ApplicationFailure.nonRetryable('No.', code))

test('where a person has it tried again, a cloud that does not answer leaves its word from before, and roles that cannot be told leave none', async () => {
  expect(await wordNow(EXCHANGED, async () => STAYED)).toBe(STAYED)
  expect(await wordNow(EXCHANGED, failing('CLOUD_UNREACHABLE'))).toBe(EXCHANGED)
  await expect(wordNow(EXCHANGED, failing('NOT_READY_YET'))).rejects.toThrow('No.')
  await expect(wordNow(null, failing('CLOUD_UNREACHABLE'))).rejects.toThrow('No.')
  await expect(wordNow(EXCHANGED, () => Promise.reject(new Error('a defect')))).rejects.toThrow('a defect')
})

test('a person’s word leads nobody to a replica of which the cloud says that nothing was exchanged', () => {
  const proven = { version: 1, other: 'follows', evidence: [] } as const
  expect(hasStayed(null, STAYED)).toBe(true)
  expect(hasStayed(null, EXCHANGED)).toBe(false)
  expect(hasStayed(null, null)).toBe(false)
  expect(hasStayed({ ...proven, writer: 'standby' }, STAYED)).toBe(false)
  for (const writer of ['source', 'none'] as const) expect(hasStayed({ ...proven, writer }, EXCHANGED)).toBe(true)
})
