/** What a plan of a failover tells people before one of them approves it. */
import { failoverPlanLines } from '../../client/cli/render/failover'
import type { FailoverPlan, Probe } from '../../contracts/failover'

const address = (instance: string) => ({
  ...{ instance, instanceId: `id-${instance}`, engineVersion: '17.10', host: `${instance}.example`, port: 5432 },
})
const probe = (from: string, said: string, rounds = 1): Probe => ({ from, outcome: 'silent', said, rounds })
const PLAN: FailoverPlan = {
  ...{ version: 1, digest: 'd'.repeat(64), bundle: 'b'.repeat(64), source: address('shop-1'), standby: address('shop-az') },
  names: { publication: 'p', slot: 's', subscription: 'u' },
  probed: {
    ...{ verdict: 'dead', cloudSays: 'its cloud says available', declaredAt: '2026-11-30T10:00:20.000Z' },
    probes: [probe('the worker of gcp', 'nothing answers', 7), probe('the standby’s own worker', 'it is not connected', 0)],
  },
  exposure: {
    ...{ beat: { at: '2026-11-30T10:00:03.000Z', lsn: '0/1800' }, lossMsMax: 17_300 },
    ...{ heard: { at: '2026-11-30T10:00:05.000Z', flushed: '0/2000' }, missingBytesMin: 2_048, unseenSequences: [] },
  },
  ...{ endpointAt: { host: 'shop-1.example', port: 5432 }, althoughItAnswers: null, unfenced: null, allowedLossMs: null },
  asks: 'up to 17.3 s of writes may be lost, and no loss was allowed beforehand',
  ...{ blocks: [], warnings: [] },
}

const linesOf = (more: Partial<FailoverPlan> = {}) =>
  failoverPlanLines({ ...PLAN, ...more }, { name: 'shop' }, { paint: (_style, text) => text, columns: 200 })

test('a plan says who is met with what, what may be lost, where applications are led, and who has to agree', () => {
  expect(linesOf()).toEqual([
    'plan to open the standby of shop  shop-az (17.10) becomes the writer instead of shop-1',
    '  the source is dead; its cloud says available',
    '    the worker of gcp: silent, nothing answers (7 rounds)',
    '    the standby’s own worker: silent, it is not connected',
    '  the standby has all that was committed before 2026-11-30T10:00:03.000Z; up to 17.3 s of writes may be lost',
    '  more where the source writes on until it is proven fenced, for which its cloud has the time of --fence-within',
    '  the source was heard last at 2026-11-30T10:00:05.000Z; of its log until then 2,048 bytes are not known to have come',
    '  moves the endpoint from shop-1.example:5432 to shop-az.example:5432',
    '  somebody else has to approve it: up to 17.3 s of writes may be lost, and no loss was allowed beforehand',
    '',
    '  nothing stands in the way',
    '',
    `  plan digest ${PLAN.digest}`,
  ])
  const allowed = linesOf({ asks: null, allowedLossMs: 60_000 })
  expect(linesOf({ fencedAt: '2026-11-30T10:01:00.000Z' }).join()).not.toContain('--fence-within')
  expect(allowed).toContain('  nobody is asked: what may be lost was allowed beforehand')
})

test('what nobody knows is said, and not left out', () => {
  const { exposure } = PLAN
  const unheard = linesOf({ endpointAt: null, exposure: { ...exposure, heard: null, missingBytesMin: null } })
  expect(unheard).toContain('  nobody has heard the source since it is watched')
  expect(unheard).toContain('  nobody can be asked where applications are led: a person moves them')
  const nothing = linesOf({ exposure: { ...exposure, beat: null, lossMsMax: null, missingBytesMin: null } })
  expect(nothing).toContain('  nobody knows what may be lost: no beat of the source has ever come')
  expect(nothing).toContain('  the source was heard last at 2026-11-30T10:00:05.000Z')
})

test('of a source that lives nothing is to be lost, and what stands in the way is told before what is to be known besides', () => {
  const lines = linesOf({
    probed: { ...PLAN.probed, verdict: 'healthy' },
    blocks: [{ rule: 'failover:answers', message: 'The source serves. Move writing by "capstan switchover".' }],
    warnings: [{ rule: 'failover:state', message: 'The standby was \u001b[2Jpaused.' }],
  })
  expect(lines).toContain(
    '  nothing is to be lost that goes to a standby: the source is closed and drained first, or it is left alone',
  )
  const from = lines.indexOf('  1 finding in the way: nothing is changed before')
  expect(lines[from + 1]).toBe('  ✘ The source serves. Move writing by "capstan switchover".')
  expect(lines[from + 2]).toMatch(/^ {2}▲ The standby was .*paused\.$/)
  expect(lines.join('')).not.toContain('\u001b')
})
