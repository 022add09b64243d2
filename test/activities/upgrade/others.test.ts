import { blocksOfOthers, warningsOfOthers } from '../../../activities/upgrade/others'
import type { PreflightFinding } from '../../../contracts/preflight'
import type { Followable } from '../../../postgres/replicate/preflight/followable'

const followable = (...findings: PreflightFinding[]): Followable => ({ findings, notKnown: [], asked: {} })
const noKey: PreflightFinding = {
  ...{ check: 'replica-identity', severity: 'blocks', side: 'source', object: 'public.notes' },
  ...{ message: 'Table public.notes has no key.', why: 'It cannot follow.', command: 'ALTER TABLE …' },
}
const ofTheServer: PreflightFinding = { ...noKey, check: 'wal-level', message: 'wal_level is replica.' }
const closed = { name: 'closed', why: 'permission denied' }
const billing = { name: 'billing', why: null, holds: true, unlogged: ['public.cache'], logical: null }
const empty = { name: 'postgres', why: null, holds: false, unlogged: [], logical: null }

test('of another major version what cannot follow in a database of somebody else blocks, and so does one that nobody could look into', () => {
  const own = followable(ofTheServer)
  const other = { ...billing, logical: followable(ofTheServer, noKey) }
  expect(blocksOfOthers([other, closed, { ...empty, logical: followable(ofTheServer) }], own)).toEqual([
    { rule: 'upgrade:replica-identity', message: expect.stringContaining('Database billing: Table public.notes has no key') },
    { rule: 'upgrade:databases', message: expect.stringContaining('closed') },
  ])
})

test('of the same version nothing blocks; what comes along unseen is told, and what is empty is not spoken of', () => {
  expect(blocksOfOthers([billing, closed], null)).toEqual([])
  expect(warningsOfOthers([billing, closed, empty], null)).toEqual([
    { rule: 'upgrade:whole', message: expect.stringContaining('billing, closed') },
    { rule: 'upgrade:unlogged', message: expect.stringContaining('public.cache of database billing') },
    { rule: 'upgrade:databases', message: expect.stringContaining('permission denied') },
  ])
  expect(warningsOfOthers([empty], null)).toEqual([])
})
