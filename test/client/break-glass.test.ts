import { parseFrom } from '../../client/break-glass/find'
import { assertPossible } from '../../client/break-glass/run'
import type { BreakGlassPapers, BreakGlassStage } from '../../contracts/break-glass'
import type { SeenStanding } from '../../postgres/break-glass/standing'

const papers = {
  ...{ operation: 'switchover-shop-1', id: { source: 'shop', target: 'shop-azure' } },
  sides: { source: { instance: 'shop-1' }, standby: { instance: 'shop-2' } },
} as BreakGlassPapers
const source = { open: false, limit: -1, closed: { limit: null }, keptOut: false, slot: null, sessions: 0, actor: null }
const standby = { keptOut: true, ours: true, forward: null, backSlot: { active: false, behind: 0 }, actor: null }
const seen = (stage: BreakGlassStage, more: Partial<SeenStanding> = {}): SeenStanding => ({
  ...{ stage, source, standby, unreached: {}, ...more },
})
const codeOf = (deed: 'finish' | 'revert', of: SeenStanding, by = papers): string => {
  try {
    assertPossible(deed, by, of)
    return 'goes on'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

test.each([
  ['finish', seen('closed'), 'goes on'],
  ['finish', seen('opened'), 'goes on'],
  ['revert', seen('closed'), 'goes on'],
  ['revert', seen('workers-only'), 'goes on'],
  // whoever was let in has written
  ['revert', seen('opened'), 'NO_WAY_BACK'],
  ['revert', seen('follows'), 'NO_WAY_BACK'],
  ['revert', seen('turned'), 'NO_WAY_BACK'],
  ['finish', seen('both-open'), 'FENCE_REFUSED'],
  ['revert', seen('both-open'), 'FENCE_REFUSED'],
  // nobody can prove that it is closed
  ['finish', seen('unknown', { source: null, unreached: { source: 'no answer' } }), 'DATABASE_UNREACHABLE'],
  ['revert', seen('unknown', { source: null, unreached: { source: 'no answer' } }), 'DATABASE_UNREACHABLE'],
  // of a standby that was opened nothing is to be proven of the source any more
  ['finish', seen('unknown', { source: null, standby: { ...standby, keptOut: false } }), 'goes on'],
  ['revert', seen('unknown', { source: null, standby: { ...standby, keptOut: false } }), 'DATABASE_UNREACHABLE'],
  ['finish', seen('unknown', { standby: null, unreached: { standby: 'no answer' } }), 'DATABASE_UNREACHABLE'],
  // the source may be opened without it, which is looked at behind the fence
  ['revert', seen('unknown', { standby: null, unreached: { standby: 'no answer' } }), 'goes on'],
  ['finish', seen('open', { standby: { ...standby, backSlot: null } }), 'FENCE_REFUSED'],
] as const)('%s where it stands %j: %s', (deed, of, code) => {
  expect(codeOf(deed, of)).toBe(code)
})

const there = { ...standby, forward: { enabled: true, origin: 'any' }, backSlot: null }
const others = { ...there, ours: false }
const gone = { ...there, forward: null }

test.each([
  ['finish', seen('closed', { standby: there }), 'goes on'],
  ['revert', seen('closed', { standby: there }), 'goes on'],
  // it was taken back, or writing has moved on from there
  ['finish', seen('open', { standby: others }), 'FENCE_REFUSED'],
  ['finish', seen('closed', { standby: others }), 'FENCE_REFUSED'],
  ['revert', seen('closed', { standby: others }), 'NO_WAY_BACK'],
  ['revert', seen('kept', { standby: others }), 'NO_WAY_BACK'],
  ['revert', seen('closed', { standby: gone }), 'NO_WAY_BACK'],
  // nothing is closed, and nothing opened by it
  ['revert', seen('open', { standby: others }), 'goes on'],
  ['finish', seen('opened', { standby: { ...others, keptOut: false } }), 'goes on'],
] as const)('%s without a way back where it stands %j: %s', (deed, of, code) => {
  expect(codeOf(deed, of, { ...papers, oneWay: true })).toBe(code)
})

test('where papers are is a name of the fleet file and a place', () => {
  expect(parseFrom('shop@10.0.0.1:5432')).toEqual({ name: 'shop', host: '10.0.0.1', port: 5432 })
  expect(parseFrom('shop-azure@[fd00::1]:5432')).toEqual({ name: 'shop-azure', host: 'fd00::1', port: 5432 })
  for (const text of ['shop', 'shop@host', '10.0.0.1:5432', 'shop@host:0', 'shop@host:70000', 'Shop@host:1', 'shop@a b:1'])
    expect(parseFrom(text)).toBeNull()
})
