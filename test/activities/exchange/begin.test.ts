/** What the cloud says of an exchange is worth what this attempt can know. */
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../../activities/act'
import type { ActivityDeps } from '../../../activities/deps'
import { createExchangeActivities } from '../../../activities/exchange/exchange'
import { failure } from '../../../contracts/failures'

interface Shown {
  readonly replicaOf: string | null
  readonly state?: 'ready' | 'changing'
}

/** `starts`: what the cloud answers, one call after the other; null: its answer gets lost. */
function exchanging({ starts = [], shop, west }: { starts?: (Error | null)[]; shop?: Shown; west?: Shown }) {
  const documents = new Map<string, unknown>()
  const shown: Record<string, Shown | undefined> = { shop, 'shop-west': west }
  const cloud = {
    exchangeObstacles: async () => ({ obstacles: [], mark: 'm', byHand: [] }),
    startExchange: async () => {
      throw starts.shift() ?? failure('CLOUD_UNREACHABLE', 'the answer got lost')
    },
    describeInstance: async ({ name }: { name: string }) => {
      const { replicaOf = null, state = 'ready' } = shown[name] ?? {}
      return { name, instanceId: name, replicaOf, state, cloudState: state }
    },
  }
  const put = async ({ name, document }: { name: string; document: unknown }) => {
    if (!documents.has(name)) documents.set(name, document)
    return documents.get(name)
  }
  const deps = {
    ledger: {
      getBundle: async () => ({ database: { name: 'shop' }, exchange: {} }),
      getDocument: async ({ name }: { name: string }) => documents.get(name) ?? null,
      putDocumentOnce: put,
    },
    cloudOf: () => cloud,
  } as unknown as ActivityDeps
  const side = (instance: string) => ({ instance, instanceId: instance, host: 'h', port: 1, engineVersion: '17' })
  const input = { operation: 'o', step: 's', bundle: 'b', sides: { source: side('shop'), standby: side('shop-west') } } as const
  const { beginExchange, rolesNow } = createExchangeActivities(deps)
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
  expect(await exchanging({ starts: [refusal()] }).begin()).toEqual({ refused: 'another operation is going on' })
})

test('a refusal after an attempt whose answer got lost is none: the cloud may be at it', async () => {
  const { begin } = exchanging({ starts: [null, refusal()] })
  await expect(begin()).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' })
  await expect(begin()).rejects.toMatchObject({
    code: 'NOT_READY_YET',
    message: expect.stringContaining('another operation is going on'),
  })
})

const PRIMARY = { replicaOf: null }

test.each<[string, Shown, Shown, object]>([
  ['both are exchanged', { replicaOf: 'shop-west' }, PRIMARY, { outcome: 'exchanged' }],
  ['both are what they were, or were exchanged back', PRIMARY, { replicaOf: 'shop' }, { outcome: 'stayed' }],
])('roles tell that %s', async (_what, shop, west, end) => {
  expect(await exchanging({ shop, west }).roles()).toMatchObject(end)
})

test.each<[string, Shown, Shown]>([
  ['the source is being changed', { ...PRIMARY, state: 'changing' }, { replicaOf: 'shop' }],
  ['the replica is', PRIMARY, { replicaOf: 'shop', state: 'changing' }],
  ['both are primaries', PRIMARY, PRIMARY],
])('nothing is concluded from roles while %s', async (_what, shop, west) => {
  await expect(exchanging({ shop, west }).roles()).rejects.toMatchObject({ code: 'NOT_READY_YET' })
})
