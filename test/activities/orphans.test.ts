import { judgeCopy, type Known, keptUntil } from '../../activities/orphans/judge'
import { temporaryName } from '../../contracts/operation'

const NOW = '2026-11-23T10:00:00.000Z'
const BEGUN = '2026-11-23T08:00:00.000Z'
const EARLIER = '2026-11-23T09:00:00.000Z'
const LATER = '2026-11-23T11:00:00.000Z'
const OURS = { 'capstan-operation': 'op-1', 'capstan-step': 'copy' }

const copy = (tags: Readonly<Record<string, string>> = OURS) => ({
  name: temporaryName('op-1', 'copy'),
  tags,
  state: 'ready' as const,
  deletionProtected: false,
})
const known = (status: 'succeeded' | 'running' | 'needs-operator', expiresAt: string | null = null): Known => ({
  operation: { status, finishedAt: BEGUN },
  resource: { cloud: 'aws', kind: 'instance', name: temporaryName('op-1', 'copy'), createdAt: BEGUN, expiresAt },
  tookOver: false,
  named: false,
  alive: null,
})

test('what an operation that is over left is an orphan', () => {
  expect(judgeCopy(copy(), known('succeeded'), NOW)).toBe('orphan')
  expect(judgeCopy(copy({ ...OURS, 'capstan-expires': EARLIER }), known('succeeded', EARLIER), NOW)).toBe('orphan')
})

test('a copy is kept for its hours from the end of its operation on, also where its retirement never came to write that down', () => {
  const about = known('succeeded', EARLIER)
  const late = (finishedAt: string): Known => ({ ...about, operation: { status: 'succeeded', finishedAt } })
  // an hour, which tag and ledger count from the beginning
  const found = copy({ ...OURS, 'capstan-expires': EARLIER })
  expect(judgeCopy(found, late('2026-11-23T09:30:00.000Z'), NOW)).toBe('kept')
  expect(keptUntil(found, late('2026-11-23T09:30:00.000Z'))).toBe('2026-11-23T10:30:00.000Z')
  expect(judgeCopy(found, late('2026-11-23T08:30:00.000Z'), NOW)).toBe('orphan')
  // what was kept longer is not kept for that once more
  expect(keptUntil(found, { ...late(EARLIER), resource: { ...about.resource!, expiresAt: LATER } })).toBe(LATER)
  expect(judgeCopy(copy({ ...OURS, 'capstan-expires': '+275760-09-13T00:00:00.000Z' }), late(NOW), NOW)).toBe('kept')
})

test.each([
  ['of an operation that still runs', copy(), known('running'), 'at-work'],
  ['whose removal a person decides about', copy(), known('needs-operator'), 'at-work'],
  ['kept by its tag', copy({ ...OURS, 'capstan-expires': LATER }), known('succeeded', EARLIER), 'kept'],
  ['kept longer, as the ledger knows', copy({ ...OURS, 'capstan-expires': EARLIER }), known('succeeded', LATER), 'kept'],
  [
    'whose time has only just passed',
    copy({ ...OURS, 'capstan-expires': '2026-11-23T09:59:00.000Z' }),
    known('succeeded'),
    'kept',
  ],
  ['that took over', copy({ ...OURS, 'capstan-took-over': NOW }), known('succeeded'), 'took-over'],
  ['that took over, whoever made it', copy({ 'capstan-took-over': NOW }), known('succeeded'), 'took-over'],
  ['that took over, as the ledger alone knows', copy(), { ...known('succeeded'), tookOver: true }, 'took-over'],
  ['that its user protects', copy({ ...OURS, 'capstan-protected': '' }), known('succeeded'), 'protected'],
  ['that its cloud protects', { ...copy(), deletionProtected: true }, known('succeeded'), 'protected'],
  ['that is going', { ...copy(), state: 'deleting' as const }, known('succeeded'), 'being-removed'],
  [
    'of an operation that the ledger does not know',
    copy(),
    { ...known('succeeded'), operation: null, resource: null },
    'unknown-operation',
  ],
  ['that the ledger does not know of its operation', copy(), { ...known('succeeded'), resource: null }, 'unknown-operation'],
  ['without tags', copy({}), known('succeeded'), 'not-ours'],
  ['without its step', copy({ 'capstan-operation': 'op-1' }), known('succeeded'), 'not-ours'],
  ['of another step than its name says', copy({ ...OURS, 'capstan-step': 'canary' }), known('succeeded'), 'not-ours'],
  ['that the fleet file names', copy(), { ...known('succeeded'), named: true }, 'in-use'],
  [
    'that the fleet file names, of an operation that an older ledger does not know',
    copy(),
    { ...known('succeeded'), operation: null, resource: null, named: true },
    'in-use',
  ],
  ['whose operation was reset and works again', copy(), { ...known('succeeded'), alive: 'operation' as const }, 'at-work'],
  [
    'that is kept longer than an older ledger knows, by its retirement',
    copy({ ...OURS, 'capstan-expires': EARLIER }),
    { ...known('succeeded', EARLIER), alive: 'retirement' as const },
    'kept',
  ],
  ['whose it is nobody knows, and that somebody protects', copy({ 'capstan-protected': 'bob' }), known('succeeded'), 'protected'],
  [
    'that the ledger does not know, and that somebody protects',
    copy({ ...OURS, 'capstan-protected': '' }),
    { ...known('succeeded'), operation: null, resource: null },
    'protected',
  ],
  ['under a name that is not ours', { ...copy(), name: 'shop' }, known('succeeded'), 'not-ours'],
])('one %s stays', (_what, found, about, standing) => {
  expect(judgeCopy(found, about, NOW)).toBe(standing)
})
