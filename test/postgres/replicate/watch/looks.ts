/** Records and looks as they might be. */
import fc from 'fast-check'
import type { StandbyLook, StandbyRecord, StandbyState, SubscriptionLook } from '../../../../contracts/standby'

export const MB = 1_000_000
const AT = '2026-11-30T00:00:00.000Z'

export const RECORD: StandbyRecord = {
  ...{ version: 1, source: 'shop', target: 'shop-azure', state: 'following', reason: null, since: AT, operation: null },
  instances: { source: 'db-1', target: 'db-2' },
  names: { publication: 'cap_shop', slot: 'cap_slot', subscription: 'cap_sub' },
  declared: {
    database: 'shop-azure',
    publisher: { user: 'follower', secret: 'env:X', host: null, port: null, tls: 'require' },
    retainedBytesMax: 100 * MB,
    lagMsMax: 60_000,
  },
  look: null,
}

export const SUBSCRIPTION: SubscriptionLook = {
  ...{ enabled: true, disablesOnError: false, working: true, applyErrors: 0, syncErrors: 0 },
  tables: { tables: 3, ready: 3, copying: [], bytesDone: 9, bytesTotal: 9 },
}

export const LOOK: StandbyLook = {
  at: AT,
  source: { slot: { active: true, walStatus: 'reserved', retainedBytes: MB, safeBytes: null }, publishedTables: 3 },
  target: { subscription: SUBSCRIPTION },
  ...{ unreached: [], beatAt: AT, lagMs: 1_000, lagBytes: 0, copySlots: null, schemaDiffers: null, findings: [] },
}

export const seen = (subscription: Partial<SubscriptionLook>, more: Partial<StandbyLook> = {}): StandbyLook => ({
  ...LOOK,
  target: { subscription: { ...SUBSCRIPTION, ...subscription } },
  ...more,
})

export const held = (
  slot: Partial<NonNullable<NonNullable<StandbyLook['source']>['slot']>>,
  more: Partial<StandbyLook> = {},
): StandbyLook => ({
  ...LOOK,
  source: { publishedTables: 3, slot: { active: true, walStatus: 'reserved', retainedBytes: MB, safeBytes: null, ...slot } },
  ...more,
})

export const STATES: readonly StandbyState[] = [
  'building',
  'copying',
  'following',
  'late',
  'paused',
  'broken',
  'switching',
  'to-be-seeded',
  'gone',
]

const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null })
const few = fc.integer({ min: 0, max: 3 })

const aSubscription: fc.Arbitrary<SubscriptionLook> = fc
  .record({
    enabled: fc.boolean(),
    disablesOnError: fc.boolean(),
    working: fc.boolean(),
    applyErrors: few,
    syncErrors: few,
    ready: few,
  })
  .map(({ ready, ...rest }) => ({ ...rest, tables: { ...SUBSCRIPTION.tables, ready } }))

export const aLook: fc.Arbitrary<StandbyLook> = fc
  .record({
    source: orNull(
      fc.record({
        publishedTables: few,
        slot: orNull(
          fc.record({
            active: fc.boolean(),
            walStatus: fc.constantFrom(null, 'reserved', 'extended', 'unreserved', 'lost'),
            retainedBytes: orNull(fc.integer({ min: 0, max: 200 * MB })),
            safeBytes: fc.constant(null),
          }),
        ),
      }),
    ),
    target: orNull(fc.record({ subscription: orNull(aSubscription) })),
    beatAt: orNull(fc.constantFrom(AT, '2026-11-30T00:00:05.000Z')),
    lagMs: orNull(fc.integer({ min: 0, max: 120_000 })),
    schemaDiffers: orNull(fc.constantFrom([], ['table public.a'])),
  })
  .map((told) => ({ ...LOOK, ...told, unreached: told.source === null || told.target === null ? ['away'] : [] }))

export const aRecord: fc.Arbitrary<StandbyRecord> = fc
  .record({ state: fc.constantFrom(...STATES), look: orNull(aLook), reason: orNull(fc.constant('why')) })
  .map((told) => ({ ...RECORD, ...told }))
