/** Configurations: told, changed, and given to a copy that takes over. */
import { differences } from '../../clouds/configuration'
import type { InstanceDescription, InstanceRef } from '../../clouds/port'
import {
  CONFIGURATION_PARTS,
  type ConfigurationKind,
  type ConfigurationPart,
  type InstanceConfiguration,
} from '../../contracts/instance-configuration'
import { type Suite, withFaults } from './suite'
import { options, refusal } from './support'

type Edit = (configuration: InstanceConfiguration) => Partial<InstanceConfiguration>

const FIVE_TO_SIX = { window: 'tue:05:00-tue:06:00', minorUpgrades: false, denied: [] }
const TWO_O_CLOCK = { keptDays: 9, logDays: 9, window: '02:10-02:50', tagged: true }

/** Other settings than a new instance's, of each kind of setting that a restore resets. */
const OTHERS: Readonly<Record<ConfigurationKind, Edit>> = {
  rds: ({ capacity, backups, availability }) => ({
    capacity: { ...capacity, growsToGib: 100 },
    availability: { ...availability, standby: 'other-zone' },
    backups: { ...backups, ...TWO_O_CLOCK },
    maintenance: FIVE_TO_SIX,
  }),
  aurora: ({ backups }) => ({ backups: { ...backups, ...TWO_O_CLOCK }, maintenance: FIVE_TO_SIX }),
  'flexible-server': ({ capacity, backups, maintenance }) => ({
    capacity: { ...capacity, growsToGib: 0 },
    availability: { standby: 'other-zone', standbyZone: '2' },
    backups: { ...backups, keptDays: 14, logDays: 14 },
    maintenance: { ...maintenance, window: '3 04:30' },
  }),
  'cloud-sql': ({ capacity, backups, maintenance, monitoring, availability }) => ({
    capacity: { ...capacity, growsToGib: 100 },
    availability: { ...availability, standby: 'other-zone' },
    backups: { ...backups, keptCount: 9, logDays: 5, window: '03:00' },
    maintenance: { ...maintenance, window: '7 03 stable', denied: ['2027-12-20/2028-01-05 00:00:00'] },
    monitoring: { ...monitoring, insights: INSIGHTS },
  }),
}
const INSIGHTS = { recordApplicationTags: true, recordClientAddress: false, queryStringLength: 2_048, queryPlansPerMinute: 7 }

/** What watches an RDS instance needs a role of the account: where there are faults there is a lab, which knows none. */
const WATCHED: InstanceConfiguration['monitoring'] = {
  intervalSeconds: 60,
  role: 'arn:aws:iam::000000000000:role/monitoring',
  insightsDays: 31,
  insights: null,
  logs: ['postgresql'],
}

export function testConfiguration(suite: Suite): void {
  const described = () => suite.adapter.describeConfiguration({ name: 'conf-shop' }, options)

  describe('how an instance is set up', () => {
    test('is told, in JSON, with what that does not hold by name', async () => {
      const { under, shop, admitted } = suite
      const told = await described()
      expect(JSON.parse(JSON.stringify(told))).toEqual(told)
      const { instanceClass, storage } = await suite.ready('conf-shop')
      expect(told).toMatchObject({
        ...{ version: 1, instance: 'conf-shop', instanceId: shop.instanceId },
        parameters: { values: { work_mem: '8192', [under.staticParameter]: '7' } },
        capacity: { instanceClass, storageGib: storage.sizeGib },
        network: { rules: [...admitted].sort() },
        protection: { deletion: under.capabilities.deletionProtection ? true : null, tag: null },
      })
      expect(Object.keys(told.tags).filter((name) => name.startsWith('capstan-'))).toEqual([])
      expect(told.notCarried).toContainEqual(expect.stringMatching(/^alarms/))
      expect(differences(told, { ...told, capturedAt: '' })).toEqual([])
    })

    test('is made another, also when an answer got lost; asked again it changes nothing', async () => {
      const before = await described()
      const watched = suite.faults !== null && ['rds', 'aurora'].includes(before.kind)
      const configuration = {
        ...before,
        ...OTHERS[before.kind](before),
        ...(watched && { monitoring: WATCHED }),
        tags: { ...before.tags, team: 'orders' },
      }
      const parts = CONFIGURATION_PARTS
      if (suite.under.wire) await suite.faults?.order({ kind: 'drop-response', operation: suite.under.wire.configure })
      const wanted = { instance: suite.shop, configuration, parts }
      const answer = await settled(suite, suite.shop, () => suite.adapter.applyConfiguration(wanted, options))
      expect(answer).toEqual({ done: true, restartNeeded: false, notCarried: before.notCarried })
      expect(differences(configuration, await described())).toEqual([])
      const changes = await suite.faults?.effectsInAll()
      expect(await suite.adapter.applyConfiguration(wanted, options)).toEqual(answer)
      expect(await suite.adapter.endInertness(wanted, options)).toEqual({ done: true, restartNeeded: false })
      expect(await suite.faults?.effectsInAll()).toBe(changes)
    })

    test('its tags are set and taken off, others stay, and asked again it changes nothing', async () => {
      const instance = suite.shop
      const tagged = async (set: Record<string, string>, remove: readonly string[]) => {
        const act = () => suite.adapter.setTags({ instance, set, remove }, options)
        await suite.eventually(async () => ((await suite.retried(act)).done ? true : undefined))
        const changes = await suite.faults?.effectsInAll()
        expect(await act()).toEqual({ done: true })
        expect(await suite.faults?.effectsInAll()).toBe(changes)
        return (await suite.ready('conf-shop')).tags
      }
      const { tags: before } = await suite.ready('conf-shop')
      if (suite.under.wire) await suite.faults?.order({ kind: 'drop-response', operation: suite.under.wire.tag })
      expect(await tagged({ 'shelf-life': 'long', colour: 'red' }, ['absent'])).toEqual({
        ...before,
        'shelf-life': 'long',
        colour: 'red',
      })
      expect(await tagged({ colour: 'blue' }, ['shelf-life'])).toEqual({ ...before, colour: 'blue' })
      expect(await tagged({}, ['colour'])).toEqual(before)
      const another = { ...instance, instanceId: `${instance.instanceId}-not` }
      await expect(suite.adapter.setTags({ instance: another, set: { a: 'b' }, remove: [] }, options)).rejects.toEqual(
        refusal('TARGET_MISMATCH'),
      )
    })

    test('is not that of another kind of instance, nor what the cloud cannot be told: that is named, and stays', async () => {
      const before = await described()
      const kind = before.kind === 'rds' ? 'aurora' : 'rds'
      const foreign = { instance: suite.shop, configuration: { ...before, kind } as const, parts: CONFIGURATION_PARTS }
      const changes = await suite.faults?.effectsInAll()
      await expect(suite.adapter.applyConfiguration(foreign, options)).rejects.toEqual(refusal('CLOUD_REFUSED', kind))
      await expect(suite.adapter.endInertness(foreign, options)).rejects.toEqual(refusal('CLOUD_REFUSED', kind))
      const capacity = { ...before.capacity, storageGib: 5 }
      const smaller = { instance: suite.shop, configuration: { ...before, capacity }, parts: ['capacity' as const] }
      const { done, notCarried } = await suite.adapter.applyConfiguration(smaller, options)
      expect(done).toBe(true)
      const size = before.capacity.storageGib ?? 'none'
      expect(notCarried).toContain(`capacity.storageGib is ${size}, wanted was 5`)
      expect(await suite.faults?.effectsInAll()).toBe(changes)
    })
  })

  withFaults(suite, (wire) => {
    describe('a change of how an instance is set up that goes wrong', () => {
      const parts = ['backups' as const]
      const wanted = async () => {
        const before = await described()
        return { instance: suite.shop, configuration: { ...before, backups: oneMore(before.backups) }, parts }
      }

      test('is never taken for done: throttled, by whoever may not change anything any more, or accepted and not made', async () => {
        const one = await wanted()
        const changes = await suite.faults!.effectsInAll()
        const lost = { ...options, mayChange: () => Promise.reject(new Error('not mine')) }
        await expect(suite.adapter.applyConfiguration(one, lost)).rejects.toThrow('not mine')
        await suite.faults!.order({ kind: 'throttle', operation: wire.configure, times: 3 })
        await expect(suite.adapter.applyConfiguration(one, options)).rejects.toEqual(refusal('CLOUD_THROTTLED'))
        expect(await suite.faults!.effectsInAll()).toBe(changes)
        await suite.faults!.order({ kind: 'fail-operation', operation: wire.configure })
        const done = await suite.eventually(async () => {
          const answer = await suite
            .retried(() => suite.adapter.applyConfiguration(one, options))
            .catch((error) => {
              // one that keeps records says so, and is asked again
              expect(error).toEqual(refusal('CLOUD_REFUSED', 'did not make it'))
              return { done: false }
            })
          return answer.done || undefined
        })
        expect(done).toBe(true)
        expect(differences(one.configuration, await described())).toEqual([])
      })
    })
  })
}

function oneMore(backups: InstanceConfiguration['backups']): InstanceConfiguration['backups'] {
  const { keptDays, keptCount } = backups
  if (keptCount !== null) return { ...backups, keptCount: keptCount + 1 }
  return { ...backups, keptDays: (keptDays ?? 7) + 1, logDays: (keptDays ?? 7) + 1 }
}

/** Repeats what is to be repeated, and restarts what waits for it, as a runbook would. */
async function settled<T extends { done: boolean; restartNeeded: boolean }>(
  suite: Suite,
  instance: InstanceRef,
  act: () => Promise<T>,
): Promise<T> {
  return suite.eventually(async () => {
    const answer = await suite.retried(act)
    if (answer.done && !answer.restartNeeded) return answer
    if (answer.done) await suite.retried(() => suite.adapter.startRestart({ instance }, options))
    return undefined
  })
}

/** Of the lab's tenant. */
function withIdentities({ kind, access }: InstanceConfiguration): InstanceConfiguration['access'] {
  if (access.identities === null) return access
  const tenant = kind === 'flexible-server' ? '00000000-0000-0000-0000-000000000001' : null
  return { ...access, identities: true, tenant }
}

/** Of `conf-shop`'s copy: it becomes what that is, inert until it is told otherwise. */
export async function takesOver(suite: Suite, copy: InstanceDescription, inert: () => Promise<boolean>): Promise<void> {
  const source = await suite.adapter.describeConfiguration({ name: 'conf-shop' }, options)
  const configuration = suite.faults === null ? source : { ...source, access: withIdentities(source) }
  const instance = { name: copy.name, instanceId: copy.instanceId }
  // as long as it is inert nobody else is let in; and what is protected cannot be removed
  const parts: readonly ConfigurationPart[] = CONFIGURATION_PARTS.filter((part) => part !== 'network' && part !== 'protection')
  const differing = async (of: readonly ConfigurationPart[]) =>
    differences(configuration, await suite.adapter.describeConfiguration(instance, options), of)
  expect((await differing(parts)).map(({ part }) => part)).toContain('tags')
  await settled(suite, instance, () => suite.adapter.applyConfiguration({ instance, configuration, parts }, options))
  expect((await differing(parts)).filter(({ keepsInert }) => !keepsInert)).toEqual([])
  expect((await differing(parts)).length).toBeGreaterThan(0)
  expect(await inert()).toBe(true)

  await settled(suite, instance, () => suite.adapter.endInertness({ instance, configuration }, options))
  await suite.eventually(async () => ((await inert().catch(() => true)) ? undefined : true))
  await settled(suite, instance, () =>
    suite.adapter.applyConfiguration({ instance, configuration, parts: [...parts, 'network'] }, options),
  )
  expect(await differing([...parts, 'network'])).toEqual([])
}
