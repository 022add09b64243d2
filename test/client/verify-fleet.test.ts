import { chooseForTheNight, type FleetCandidate, verifyInTurns } from '../../client/verify-fleet'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { OperationDocument } from '../../contracts/operation'
import { fleetEntry } from './fleet-entry'

const candidate = (name: string, lastAt: string | null, running: string | null = null): FleetCandidate => ({
  entry: fleetEntry(name),
  lastAt,
  running,
})
const names = (entries: readonly DatabaseEntry[]): string[] => entries.map(({ name }) => name)

test('whichever was verified longest ago comes first, and what is over the budget has its turn another night', () => {
  const all = [
    candidate('yesterday', '2026-11-28T03:00:00.000Z'),
    candidate('never', null),
    candidate('last-week', '2026-11-21T03:00:00.000Z'),
    candidate('also-never', null),
    candidate('busy', null, 'verify-busy'),
  ]
  const { chosen, left } = chooseForTheNight(all, { restoresPerRun: 3 })
  expect(names(chosen)).toEqual(['also-never', 'never', 'last-week'])
  expect(left).toEqual([
    { database: 'yesterday', why: 'beyond 3 restores a run; its turn comes', needsSomebody: false },
    { database: 'busy', why: 'verify-busy goes on', needsSomebody: false },
  ])
  expect(names(chooseForTheNight(all, {}).chosen)).toEqual(['also-never', 'never', 'last-week', 'yesterday'])
})

/** Verifies by hand: `end` lets one that was begun come to its end. */
function byHand() {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const verify = ({ name }: DatabaseEntry) =>
    new Promise<OperationDocument>((resolve) => {
      begun.push(name)
      ends.set(name, () => resolve(documentOf(name)))
    })
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.()
    await settled()
  }
  return { begun, verify, end }
}

const documentOf = (database: string): OperationDocument => ({
  ...{ version: 1, id: `verify-${database}`, kind: 'verify-backup', databases: [database], status: 'succeeded', verdict: 'pass' },
  ...{ requestedBy: 'ada', startedAt: '2026-11-29T03:00:00.000Z', finishedAt: null, planDigest: null, failure: null },
  ...{ steps: [], evidence: null },
})

const quiet = { onRun: () => undefined, onLeft: () => undefined, purse: null, signal: new AbortController().signal }

test('a region has so many copies at once, and no instance two', async () => {
  const { begun, verify, end } = byHand()
  const chosen = [
    fleetEntry('a', { instance: 'shared' }),
    fleetEntry('b', { instance: 'SHARED' }),
    fleetEntry('c'),
    fleetEntry('far', { region: 'us-east-1' }),
    fleetEntry('d'),
  ]
  const all = verifyInTurns(chosen, { ...quiet, copiesAtOnce: 2, verify })
  expect(begun).toEqual(['a', 'c', 'far'])
  await end('c')
  expect(begun).toEqual(['a', 'c', 'far', 'd'])
  await end('d')
  expect(begun).toHaveLength(4)
  await end('a')
  expect(begun.at(-1)).toBe('b')
  await end('b')
  await end('far')
  const runs = await all
  expect(runs.map(({ operation }) => operation).sort()).toEqual(['verify-a', 'verify-b', 'verify-c', 'verify-d', 'verify-far'])
})

test('one that cannot be started keeps nobody from the next one, and whoever leaves starts no more', async () => {
  const leave = new AbortController()
  const verify = async ({ name }: DatabaseEntry): Promise<OperationDocument> => {
    if (name === 'a') throw new Error('Temporal is away.')
    leave.abort()
    return documentOf(name)
  }
  const options = { ...quiet, copiesAtOnce: 1, verify, signal: leave.signal }
  expect(await verifyInTurns([fleetEntry('a'), fleetEntry('b'), fleetEntry('c')], options)).toEqual([
    { database: 'a', operation: null, status: null, verdict: null, failure: 'Temporal is away.' },
    { database: 'b', operation: 'verify-b', status: 'succeeded', verdict: 'pass', failure: null },
  ])
})
