/** What speaks against removing an old writer, a sentence each; where nothing does there is none. */
import { againstRemovingOld, type OldWriterCase, type SaidOfOldWriter, untold } from '../../client/judge-old-writer'
import type {
  NewWriterAtCloud,
  NewWriterInside,
  NotAsked,
  OldWriterAtCloud,
  OldWriterInside,
  OldWriterSeen,
} from '../../contracts/old-writer'

const address = (instance: string) => ({
  instance,
  instanceId: `${instance}-1`,
  host: `${instance}.lab`,
  port: 5432,
  engineVersion: '17',
})
const MARK = { operation: 'moved', writer: 'new' }

interface World {
  readonly of?: Partial<OldWriterCase>
  readonly said?: Partial<SaidOfOldWriter>
  readonly old?: Partial<OldWriterAtCloud>
  readonly inside?: Partial<OldWriterInside> | NotAsked
  readonly writer?: Partial<NewWriterAtCloud>
  readonly writerInside?: Partial<NewWriterInside> | NotAsked
  readonly endpointAt?: { readonly host: string; readonly port: number } | null
}

const NO: SaidOfOldWriter = { applicationsMoved: false, writerBackedUp: false, rowsGivenUp: false, nothingElseInIt: false }
const BACKED_UP = { newestSnapshot: null, restorableTo: '2026-11-30T10:20:00.000Z', automatic: true }

function built({ of, said, old, inside = {}, writer, writerInside = {}, endpointAt = { host: 'new.lab', port: 5432 } }: World) {
  const judged: OldWriterCase = {
    old: { name: 'old', instance: 'old', hosts: [] },
    writer: { name: 'new', instanceId: 'new-1' },
    moved: { by: { id: 'moved', status: 'succeeded', kind: 'switchover' }, to: 'new' },
    since: '2026-11-30T10:10:00.000Z',
    left: { whole: true, salvage: null, left: [] },
    ...{ onward: [], pairs: [], open: [], fencedByCloud: false, fleet: { named: [], led: [] } },
    ...{ said: { ...NO, ...said }, ...of },
  }
  const seen: OldWriterSeen = {
    old: {
      ...{ standing: 'there', commands: ['rm'], against: [], instance: { instance: 'old', instanceId: 'old-1' } },
      ...{ cloudState: 'available', address: address('old'), lettingIn: null, ...old },
    },
    rest: {
      inside:
        'why' in inside
          ? inside
          : {
              ...{ asked: true, keyhole: true, mark: MARK, closed: true, open: [], sessions: null },
              ...{ stillIn: [], prepared: [], readers: [], others: [] },
              ...inside,
            },
      writer: {
        ...{ instance: { instance: 'new', instanceId: 'new-1' }, state: 'ready', cloudState: 'available', replicaOf: null },
        ...{ address: address('new'), backups: BACKED_UP, ...writer },
      },
      writerInside:
        'why' in writerInside
          ? writerInside
          : { asked: true, recovering: false, follows: null, mark: null, shut: [], ...writerInside },
      endpointAt,
    },
    asOf: '2026-11-30T11:00:00.000Z',
  }
  return { judged, seen }
}

function against(world: World): string[] {
  const { judged, seen } = built(world)
  return againstRemovingOld(judged, seen)
}

const lost = { by: { id: 'moved', status: 'succeeded', kind: 'failover' }, to: 'new' } as const
const salvaged = { whole: false, salvage: 's', left: ['public.t: 3 rows there alone'] }
const away: NotAsked = { asked: false, why: 'it is stopped' }

test('where all is as it has to be nothing speaks against it', () => {
  expect(against({})).toEqual([])
})

test.each<[string, World, RegExp]>([
  [
    'what moved writing is not over',
    { of: { moved: { by: { id: 'moved', status: 'needs-operator', kind: 'switchover' }, to: 'new' } } },
    /^moved, which moved writing away from it, is not over \(needs-operator\).*break-glass reconcile/,
  ],
  [
    'another operation is at work',
    { of: { open: [{ id: 'nightly', status: 'running', databases: ['new'] }] } },
    /^nightly is at work on new \(running\)/,
  ],
  [
    'it follows the new one',
    { of: { pairs: [{ source: 'new', target: 'old', state: 'paused' }] } },
    /^old is a standby of new \(paused\).*"capstan standby remove new --to old"/,
  ],
  [
    'another one follows it',
    { of: { pairs: [{ source: 'old', target: 'third', state: 'broken' }] } },
    /^third is a standby of old \(broken\).*"capstan standby remove old --to third"/,
  ],
  [
    'nobody has looked what it has alone',
    { of: { moved: lost, left: { whole: false, salvage: null, left: [] } }, said: { rowsGivenUp: true } },
    /^Nobody has looked what old has alone since moved.*"capstan salvage rows old --into new"/,
  ],
  ['it has rows alone', { of: { moved: lost, left: salvaged } }, /^old alone has it.*3 rows there alone.*--rows-given-up\.$/],
  ['its cloud says something', { old: { against: ["It bears its user's tag x."] } }, /^It bears its user's tag x\.$/],
  ['it cannot be asked', { inside: away }, /^It could not be asked whether it is still closed: it is stopped\.$/],
  ['it has no keyhole', { inside: { keyhole: false, mark: null } }, /^By its own word .*: it has no database capstan_fence\.$/],
  [
    'its cloud keeps it stopped',
    { of: { fencedByCloud: true }, old: { lettingIn: [] }, inside: away },
    /^Its cloud keeps it closed, and which other databases it has could not be asked.*--nothing-else-in-it\.$/,
  ],
  [
    'its cloud keeps it closed, and another database is in it',
    { of: { fencedByCloud: true }, old: { lettingIn: [] }, inside: { others: [{ name: 'crm', open: true, moved: null }] } },
    /^Database crm is in it as well/,
  ],
  [
    'its network lets somebody in',
    { of: { fencedByCloud: true }, old: { lettingIn: ['10.0.0.0/8'] } },
    /^Its cloud was to keep it closed, and its network lets in 10\.0\.0\.0\/8\.$/,
  ],
  ['it bears no mark', { inside: { mark: null } }, /^By its own word writing never moved away from old/],
  [
    'its mark is of another operation',
    { inside: { mark: { operation: 'by-hand', writer: 'new' } } },
    /^Its own mark says that by-hand moved writing from old to new, and the ledger says moved/,
  ],
  [
    'its mark names another writer',
    { inside: { mark: { operation: 'moved', writer: 'third' } } },
    /^Its own mark says that moved moved writing from old to third/,
  ],
  [
    'its database is open',
    { inside: { closed: false, open: ['PUBLIC may connect to old'] } },
    /^It is not closed: PUBLIC may connect to old\.$/,
  ],
  ['somebody is inside', { inside: { sessions: '2 of app in old' } }, /^There are sessions in it: 2 of app in old\.$/],
  [
    'a transaction is prepared in it',
    { inside: { prepared: ['order-7 in old'] } },
    /^It holds a prepared transaction, order-7 in old, which nobody has ended/,
  ],
  [
    'writing moved on from the one that it moved to',
    { of: { onward: ['again'] } },
    /^Writing moved on by again, and nobody asks whether another endpoint.*--applications-moved\.$/,
  ],
  ['somebody reads a slot of it', { inside: { readers: ['audit'] } }, /^Somebody reads its slot audit\.$/],
  [
    'another database is in it and open',
    { inside: { others: [{ name: 'crm', open: true, moved: null }] } },
    /^Database crm is in it as well, and takes connections/,
  ],
  [
    'another database is in it and closed',
    { inside: { others: [{ name: 'crm', open: false, moved: null }] } },
    /^Database crm is in it as well, and is closed/,
  ],
  [
    'another old writer is in it',
    { inside: { others: [{ name: 'crm', open: true, moved: { operation: 'm2', writer: 'crm-new' } }] } },
    /^Database crm is in it as well, from which m2 moved writing to crm-new/,
  ],
  [
    'the new writer is gone',
    { writer: { instance: null, state: 'gone' } },
    /^The instance of new, which is the writer, is not there/,
  ],
  [
    'the new writer is another instance',
    { writer: { instance: { instance: 'new', instanceId: 'new-2' } } },
    /^new, the instance of new, is another one than the one that writing moved to/,
  ],
  [
    'the new writer does not run',
    { writer: { state: 'stopped', cloudState: 'stopped' }, writerInside: away },
    /^The instance of new, which is the writer, is stopped\.$/,
  ],
  ['the new writer is a replica', { writer: { replicaOf: 'x' } }, /^The instance of new is a read replica of x/],
  ['the new writer cannot be asked', { writerInside: { asked: false, why: 'no' } }, /^new could not be asked .*: no\.$/],
  ['the new writer is in recovery', { writerInside: { recovering: true } }, /^new is in recovery/],
  ['the new writer follows somebody', { writerInside: { follows: 'old' } }, /^By its own word new is a standby of old/],
  [
    'writing moved on from the new writer',
    { writerInside: { mark: { operation: 'on', writer: 'third' } } },
    /^By its own mark new is no writer any more: on moved writing from it to third\.$/,
  ],
  [
    'the new writer is shut',
    { writerInside: { shut: ['x keeps applications out of new'] } },
    /^new is not open to applications: x/,
  ],
  [
    'the new writer has only older backups',
    {
      writer: { backups: { ...BACKED_UP, newestSnapshot: '2026-11-30T09:00:00.000Z', restorableTo: '2026-11-30T10:09:00.000Z' } },
    },
    /^The newest backup that is known of new is of 2026-11-30T10:09:00.000Z, .*"capstan snapshot new".*--writer-backed-up\.$/,
  ],
  [
    'the new writer has no backup',
    { writer: { backups: { newestSnapshot: null, restorableTo: null, automatic: false } } },
    /^new has no backup, .*--writer-backed-up\.$/,
  ],
  [
    'what backups the new writer has is not told',
    { writer: { backups: { newestSnapshot: null, restorableTo: null, automatic: true } } },
    /^What backups the cloud of new has of it, it does not tell, .*--writer-backed-up\.$/,
  ],
  ['the endpoint leads to it', { endpointAt: { host: 'OLD.lab', port: 5432 } }, /^The endpoint leads to it: OLD\.lab:5432\.$/],
  [
    'the endpoint leads to where the fleet file says it is',
    {
      of: { old: { name: 'old', instance: 'old', hosts: [{ host: 'alias', port: 6 }] } },
      endpointAt: { host: 'alias', port: 6 },
    },
    /^The endpoint leads to it: alias:6\.$/,
  ],
  ['no endpoint can be asked', { endpointAt: null }, /^Nobody can be asked .* old\.lab:5432\. .*--applications-moved\.$/],
  [
    'the fleet file names it',
    { of: { fleet: { named: ['crm'], led: [] } } },
    /^The fleet file names it, as the instance of crm\.$/,
  ],
  ['the fleet file leads to it', { of: { fleet: { named: [], led: ['It leads.'] } } }, /^It leads\.$/],
])('where %s that alone is told', (_, world, sentence) => {
  expect(against(world)).toEqual([expect.stringMatching(sentence)])
})

test.each<[string, World]>([
  [
    'its cloud keeps it closed, and its mark is lacking',
    { of: { fencedByCloud: true }, old: { lettingIn: [] }, inside: { mark: null } },
  ],
  [
    'its cloud keeps it closed, though its database is open',
    { of: { fencedByCloud: true }, old: { lettingIn: [] }, inside: { open: ['x'] } },
  ],
  [
    'its cloud keeps it closed, and it never had a keyhole',
    { of: { fencedByCloud: true }, old: { lettingIn: [] }, inside: { keyhole: false, mark: null, closed: false, open: ['x'] } },
  ],
  [
    'somebody knows that a stopped one has nothing else',
    { of: { fencedByCloud: true }, inside: away, said: { nothingElseInIt: true } },
  ],
  ['nobody needs the rows that it has alone', { of: { moved: lost, left: salvaged }, said: { rowsGivenUp: true } }],
  [
    'somebody knows of a backup',
    { writer: { backups: { newestSnapshot: null, restorableTo: null, automatic: true } }, said: { writerBackedUp: true } },
  ],
  [
    'a snapshot is newer',
    { writer: { backups: { newestSnapshot: '2026-11-30T10:11:00.000Z', restorableTo: null, automatic: false } } },
  ],
  ['somebody knows where applications are led', { endpointAt: null, said: { applicationsMoved: true } }],
])('where %s nothing is told', (_, world) => {
  expect(against(world)).toEqual([])
})

test.each(['gone', 'another'] as const)('of an instance that is %s nothing is said', (standing) => {
  const { judged, seen } = built({ of: { pairs: [{ source: 'new', target: 'old', state: 'late' }] } })
  expect(againstRemovingOld(judged, { ...seen, old: { ...seen.old, standing }, rest: null })).toEqual([])
})

test('that its own roles may have written there is told of one that takes connections', () => {
  const { judged, seen } = built({ inside: { closed: false } })
  expect(untold(judged, seen)).toEqual([
    expect.stringMatching(
      /nothing tells whether they, or somebody who was let in for a while, wrote there.*"capstan verify diff"/,
    ),
  ])
  expect(untold(judged, built({ inside: { closed: false, stillIn: ['app_rw'] } }).seen)).toEqual([
    expect.stringMatching(/may come in, and by the right of one of these or another app_rw, and nothing tells/),
  ])
})

test.each<[string, World]>([
  ['is closed', {}],
  ['cannot be asked', { inside: away }],
])('that one which %s may have been open for a while is told as well', (_, world) => {
  const { judged, seen } = built(world)
  expect(untold(judged, seen)).toEqual([expect.stringMatching(/nothing tells whether somebody opened it.*"capstan verify diff"/)])
})
