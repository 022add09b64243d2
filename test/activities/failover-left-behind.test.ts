/** What no standby gets is told before a source is given up, and a loss of time that was allowed allows none of it. */
import { knownLeftBehind } from '../../activities/failover/left-behind'
import { askedWhy } from '../../activities/failover/plan'
import type { StandbyComparisons, StandbyLook, StandbyRecord } from '../../contracts/standby'
import { wholeLook } from '../../postgres/replicate/watch/whole-look'
import { LOOK, RECORD } from '../postgres/replicate/watch/looks'

const AT = '2026-11-30T10:00:00.000Z'
const NONE = { at: AT, tables: [], largeObjects: 0, unlogged: [] }
const standby = (look: Partial<StandbyLook> | null, more: Partial<StandbyRecord> = {}): StandbyRecord => {
  return { ...RECORD, look: look === null ? null : { ...LOOK, ...look }, ...more }
}

const UNFENCED = { unfenced: null }
const DEAD = { probed: { verdict: 'dead' }, endpoint: {} } as const
const LOST = { lossMsMax: 5_000, skew: { at: AT, aheadMs: 0, withinMs: 1 } }
/** Of a source whose loss in time was allowed beforehand. */
const asks = (record: StandbyRecord) =>
  askedWhy(UNFENCED, DEAD, { ...LOST, allowedLossMs: 60_000, leftBehind: knownLeftBehind(record).asks })

test('where all goes to the standby nobody is asked for more than the time that was allowed', () => {
  const record = standby({ uncarried: NONE, schemaDiffers: [] })
  expect(knownLeftBehind(record)).toMatchObject({ warnings: [], asks: null, uncarried: [] })
  expect(asks(record)).toBeNull()
})

const different = {
  last: { verdict: 'different', differing: [], tablesDiffering: 0, endedAt: AT },
} as unknown as StandbyComparisons

test.each<[string, StandbyRecord, string, string]>([
  [
    'a table in no publication',
    standby({ uncarried: { ...NONE, tables: ['public.audit'] }, schemaDiffers: [] }),
    'left-behind',
    'public.audit',
  ],
  ['large objects', standby({ uncarried: { ...NONE, largeObjects: 2 }, schemaDiffers: [] }), 'left-behind', '2 large objects'],
  ['another schema', standby({ uncarried: NONE, schemaDiffers: ['table public.audit'] }), 'schema-differs', 'the schemas differ'],
  ['nobody having looked', standby({ schemaDiffers: [] }), 'not-looked', 'nobody has looked'],
  ['nobody having compared the schemas', standby({ uncarried: NONE }), 'not-compared', 'nobody has compared the schemas'],
  [
    'nobody having looked for minutes',
    standby({ uncarried: NONE, schemaDiffers: [], heard: { at: '2026-11-30T10:02:00.001Z', flushed: '0/1' } }),
    'not-looked',
    `nobody has looked since ${AT}`,
  ],
])('%s is a warning, and somebody has to agree whatever time was allowed', (_, record, rule, why) => {
  expect(knownLeftBehind(record).warnings.map((one) => one.rule)).toEqual([`failover:${rule}`])
  expect(asks(record)).toContain(why)
})

test('of a standby that nobody has ever looked at nobody knows either', () => {
  expect(knownLeftBehind(standby(null)).warnings.map((one) => one.rule)).toEqual(['failover:not-looked', 'failover:not-compared'])
  expect(asks(standby(null))).toMatch(/nobody has looked yet.*nobody has compared/)
})

test('two minutes are no age', () => {
  expect(
    asks(standby({ uncarried: NONE, schemaDiffers: [], heard: { at: '2026-11-30T10:02:00.000Z', flushed: '0/1' } })),
  ).toBeNull()
})

test('rows that were found to differ have to be agreed to as well, and both reasons are told', () => {
  const record = standby({ uncarried: NONE, schemaDiffers: [] }, { compared: different })
  expect(asks(record)).toContain('rows of both were found to differ')
  const more = { ...LOST, allowedLossMs: 1_000, leftBehind: 'rows of public.audit go to no standby' }
  expect(askedWhy(UNFENCED, DEAD, more)).toMatch(/up to 5.0 s .* 1.0 s were allowed beforehand; rows of public.audit/)
})

test('unlogged rows are told, and asked about no more than by a switchover', () => {
  const record = standby({ uncarried: { ...NONE, unlogged: ['public.cache'] }, schemaDiffers: [] })
  const { warnings, uncarried } = knownLeftBehind(record)
  expect(warnings).toEqual([{ rule: 'failover:unlogged', message: expect.stringContaining('public.cache') }])
  expect(uncarried).toEqual([expect.stringContaining('public.cache')])
  expect(asks(record)).toBeNull()
})

test('what was seen last holds on once the source is silent', () => {
  const uncarried = { ...NONE, tables: ['public.audit'] }
  const silent = { at: AT, source: 'The source could not be asked: it is dead', standby: 'nor this one', schemaDiffers: null }
  expect(wholeLook({ ...silent, before: { ...LOOK, uncarried } })).toMatchObject({ uncarried })
  expect(wholeLook({ ...silent, uncarried: NONE, before: { ...LOOK, uncarried } })).toMatchObject({ uncarried: NONE })
})
