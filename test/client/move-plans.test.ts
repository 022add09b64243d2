/** What an exchange with a read replica and a failover would do, as a person reads it before anything is done. */
import { exchangePlanLines } from '../../client/cli/render/exchange'
import { failoverPlanLines } from '../../client/cli/render/failover'
import type { ExchangePlan } from '../../contracts/exchange'
import type { FailoverPlan, Probe } from '../../contracts/failover'

const paint = (_style: unknown, text: string): string => text
const view = { paint, columns: 120 }
const shop = { name: 'shop' }

const address = (instance: string) => ({
  instance,
  instanceId: `id-${instance}`,
  engineVersion: '17.10',
  host: `${instance}.example`,
  port: 5432,
})
const both = { source: address('shop-1'), standby: address('shop-2') }
const common = { version: 1, digest: 'd'.repeat(64), bundle: 'b'.repeat(64), blocks: [], warnings: [] } as const
const endpointAt = { host: 'shop-1.example', port: 5432 }

describe('an exchange', () => {
  const PLAN: ExchangePlan = {
    ...{ ...common, ...both, endpointAt, lagBytes: 4_096, why: 'Both are in one cloud, and one holds the other’s blocks' },
    act: { called: 'Aurora global database switchover', byHand: ['aws rds switchover-global-cluster --region eu-west-1'] },
  }
  const shown = (more: Partial<ExchangePlan> = {}) => exchangePlanLines({ ...PLAN, ...more }, shop, view)

  test('says by which act and why, where applications are led, what is the way back, and how a person does it', () => {
    expect(shown()).toEqual([
      'plan to move writing of shop  from shop-1 to its read replica shop-2 (17.10)',
      '  by its cloud’s own way, Aurora global database switchover; the replica is 4096 bytes behind',
      '  Both are in one cloud, and one holds the other’s blocks',
      '  everybody is disconnected, and there is no writer for as long as the cloud takes: it cannot be told to stop',
      '  moves the endpoint from shop-1.example:5432 to shop-2.example:5432',
      '  afterwards shop-1 is the replica of shop-2; the same command with the other name moves writing back',
      '  by hand: aws rds switchover-global-cluster --region eu-west-1',
      '',
      '  nothing stands in the way',
      '',
      `  plan digest ${'d'.repeat(64)}`,
    ])
  })

  test('leads to where the new writer answers once it is one', () => {
    const standby = { ...both.standby, host: 'readers.example', afterwards: { host: 'writer.example', port: 5433 } }
    expect(shown({ standby })).toContain('  moves the endpoint from shop-1.example:5432 to writer.example:5433')
  })

  test('says what nobody knows, what stands in the way, and nothing that a terminal would act upon', () => {
    const lines = shown({
      ...{ lagBytes: null, endpointAt: null },
      blocks: [{ rule: 'exchange:cloud', message: 'Cluster shop-2 has\u001b[2J no instance that is available.' }],
      warnings: [{ rule: 'exchange:unlogged', message: 'Table carts is unlogged: on the new writer it is empty.' }],
    }).join('\n')
    expect(lines).toContain('the replica is late by nobody knows how much')
    expect(lines).toContain('a person moves them, or they use a name that the cloud moves')
    expect(lines).toMatch(/1 finding to be mended first: nothing is changed before\n {2}✘ Cluster shop-2 has.* no instance/)
    expect(lines).toContain('  ▲ Table carts is unlogged')
    expect(lines).not.toContain('\u001b')
  })
})

test('a failover by the cloud says what the replica has, what may be lost, and who has to agree', () => {
  const probed = {
    verdict: 'dead',
    probes: [{ from: 'the worker of aws', outcome: 'silent', said: 'nothing came', rounds: 5 }],
    cloudSays: 'its cloud says available',
    declaredAt: '2026-01-01T00:00:02.500Z',
  } as const
  const exposure = { had: { at: '2026-01-01T00:00:00.000Z', lsn: '0/1' }, lossMsMax: 2_500 }
  const takeOver = { probed, exposure, allowedLossMs: null, althoughItAnswers: null, unfenced: null, asks: 'nobody allowed it' }
  const plan: ExchangePlan = {
    ...{ ...common, ...both, endpointAt, lagBytes: null, why: 'The source is given up', takeOver },
    act: { called: 'Aurora global database failover', byHand: ['aws rds failover-global-cluster --allow-data-loss'] },
  }
  expect(exchangePlanLines(plan, shop, view)).toEqual([
    'plan to fail shop over  to the read replica shop-2 (17.10) of shop-1',
    '  by its cloud’s own way, Aurora global database failover',
    '  The source is given up',
    '  the source is dead; its cloud says available',
    '    the worker of aws: silent, nothing came (5 rounds)',
    '  the replica has all that was committed before 2026-01-01T00:00:00.000Z; up to 2.5 s of writes may be lost',
    '  moves the endpoint from shop-1.example:5432 to shop-2.example:5432',
    '  somebody else has to approve it: nobody allowed it',
    '  by hand: aws rds failover-global-cluster --allow-data-loss',
    '',
    '  nothing stands in the way',
    '',
    `  plan digest ${'d'.repeat(64)}`,
  ])
  const unknown = { ...takeOver, exposure: { had: null, lossMsMax: null }, asks: null }
  const lines = exchangePlanLines({ ...plan, takeOver: unknown }, shop, view)
  expect(lines).toContain('  nobody knows what may be lost: the replica has replayed no commit since it was started')
  expect(lines).toContain('  nobody is asked: what may be lost was allowed beforehand')
  const later = {
    ...takeOver,
    probed: { ...probed, asked: { places: 3, silent: 2 } },
    exposure: { ...exposure, lossMsMax: null },
  }
  const told = exchangePlanLines({ ...plan, takeOver: later }, shop, view)
  expect(told).toContain('  the source is dead, silent to 2 of 3 different places of the network; its cloud says available')
  expect(told).toContain(
    '  nobody knows what may be lost: the newest commit that the replica has, of 2026-01-01T00:00:00.000Z, is later than our clock',
  )
})

describe('a failover', () => {
  const probes: Probe[] = [
    { from: 'the worker of aws', outcome: 'silent', said: 'nothing came', rounds: 5 },
    { from: 'the worker of gcp', outcome: 'unknown', said: 'no worker took it up', rounds: 0 },
  ]
  const exposure: FailoverPlan['exposure'] = {
    beat: { at: '2026-01-01T00:00:00.000Z', lsn: '0/1' },
    lossMsMax: 2_500,
    heard: { at: '2026-01-01T00:00:01.000Z', flushed: '0/2' },
    missingBytesMin: 12_345,
    unseenSequences: [],
  }
  const probed = {
    verdict: 'dead',
    probes,
    cloudSays: 'its cloud says available',
    declaredAt: '2026-01-01T00:00:02.500Z',
  } as const
  const PLAN: FailoverPlan = {
    ...{ ...common, ...both, endpointAt, probed, exposure },
    names: { publication: 'p', slot: 's', subscription: 'u' },
    ...{ althoughItAnswers: null, unfenced: null, allowedLossMs: null },
    asks: 'up to 2.5 s of writes may be lost, and no loss was allowed beforehand',
  }
  const shown = (more: Partial<FailoverPlan> = {}) => failoverPlanLines({ ...PLAN, ...more }, shop, view)

  test('says who asked the source and heard what, what may be lost, where applications are led, and who has to agree', () => {
    expect(shown()).toEqual([
      'plan to open the standby of shop  shop-2 (17.10) becomes the writer instead of shop-1',
      '  the source is dead; its cloud says available',
      '    the worker of aws: silent, nothing came (5 rounds)',
      '    the worker of gcp: unknown, no worker took it up',
      '  the standby has all that was committed before 2026-01-01T00:00:00.000Z; up to 2.5 s of writes may be lost',
      '  more where the source writes on until it is proven fenced, for which its cloud has the time of --fence-within',
      '  the source was heard last at 2026-01-01T00:00:01.000Z; of its log until then 12,345 bytes are not known to have come',
      '  moves the endpoint from shop-1.example:5432 to shop-2.example:5432',
      '  somebody else has to approve it: up to 2.5 s of writes may be lost, and no loss was allowed beforehand',
      '',
      '  nothing stands in the way',
      '',
      `  plan digest ${'d'.repeat(64)}`,
    ])
  })

  test('of a source that lives promises that nothing is lost, and of one of which nobody knows anything says that', () => {
    expect(shown({ probed: { ...probed, verdict: 'healthy' } })).toContain(
      '  nothing is to be lost that goes to a standby: the source is closed and drained first, or it is left alone',
    )
    const unknown = shown({ exposure: { ...exposure, beat: null, lossMsMax: null, heard: null, missingBytesMin: null } })
    expect(unknown).toContain('  nobody knows what may be lost: no beat of the source has ever come')
    expect(unknown).toContain('  nobody has heard the source since it is watched')
  })

  test('asks nobody where the loss was allowed, and names what stands in the way', () => {
    const lines = shown({
      ...{ asks: null, endpointAt: null },
      blocks: [{ rule: 'failover:answers', message: 'The source serves. Move writing by "capstan switchover shop".' }],
    })
    expect(lines).toContain('  nobody is asked: what may be lost was allowed beforehand')
    expect(lines).toContain('  nobody can be asked where applications are led: a person moves them')
    expect(lines).toContain('  1 finding in the way: nothing is changed before')
    expect(lines).toContain('  ✘ The source serves. Move writing by "capstan switchover shop".')
  })
})
