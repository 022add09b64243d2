import fc from 'fast-check'
import { parseConfig } from '../../lab/config'
import { durationMs, Pace, PROFILES } from '../../lab/profile'
import { openLab } from './fixture'

const { signal } = new AbortController()

test('a realistic state lasts minutes, longer or shorter by chance but never by more than the profile allows', () => {
  fc.assert(
    fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (swing) => {
      const ms = durationMs(PROFILES.realistic, 'createMs', swing)
      expect(ms).toBeGreaterThanOrEqual(Math.floor(6 * 60_000 * 0.7))
      expect(ms).toBeLessThanOrEqual(Math.ceil(6 * 60_000 * 1.3))
      expect([durationMs(PROFILES.instant, 'createMs', swing), durationMs(PROFILES.fast, 'createMs', swing)]).toEqual([0, 150])
    }),
  )
})

test('a state that is waited for ends early when a quicker profile is chosen, and a lab that closes waits no longer', async () => {
  const pace = new Pace('realistic', 1)
  const waited = pace.lasts('createMs', 'us-east-1/shop', signal)
  pace.choose('fast')
  pace.choose('instant')
  await waited
  await pace.lasts('createMs', 'us-east-1/shop', signal)
  pace.choose('realistic')
  const closing = new AbortController()
  const broken = pace.lasts('createMs', 'us-east-1/shop', closing.signal)
  closing.abort(new Error('The lab is closing.'))
  await expect(broken).rejects.toThrow()
})

test('the times of a resource depend on the seed, its name and how often, not on what others do meanwhile', async () => {
  const timesOf = async (seed: number, others: number): Promise<number[]> => {
    const waited: number[] = []
    const pace = new Pace('instant', seed)
    for (let n = 0; n < others; n++) await pace.lasts('createMs', `us-east-1/other-${n}`, signal)
    for (let n = 0; n < 3; n++) waited.push(pace.swing('createMs', 'us-east-1/shop'))
    return waited
  }
  const first = await timesOf(1, 0)
  expect(await timesOf(1, 7)).toEqual(first)
  expect(await timesOf(2, 0)).not.toEqual(first)
  expect(new Set(first).size).toBe(3)
})

test('the profile and the seed come from the command line, else from the environment, else they are fast and 1', () => {
  const argv = ['--state', '/tmp/x', '--block', '127.90.1']
  const parsed = (more: string[], environment: NodeJS.ProcessEnv) => {
    const { profile, seed } = parseConfig([...argv, ...more], environment)
    return [profile, seed]
  }
  expect(parsed([], {})).toEqual(['fast', 1])
  expect(parsed([], { CAPSTAN_LAB_PROFILE: 'realistic', CAPSTAN_LAB_SEED: '7' })).toEqual(['realistic', 7])
  expect(parsed(['--profile', 'instant', '--seed', '0'], { CAPSTAN_LAB_PROFILE: 'realistic' })).toEqual(['instant', 0])
  expect(() => parsed([], { CAPSTAN_LAB_PROFILE: 'slow' })).toThrow(
    'CAPSTAN_LAB_PROFILE is "slow"; there are: instant, fast, realistic.',
  )
  expect(() => parsed(['--seed', 'many'], {})).toThrow('--seed is "many"')
})

test('the profile is shown and chosen over the API', async () => {
  const lab = await openLab()
  try {
    expect((await lab.call('GET', '/_lab/profile')).body).toMatchObject({ profile: 'fast', seed: 1, profiles: PROFILES })
    expect(await lab.call('PUT', '/_lab/profile', { profile: 'slow' })).toEqual({
      status: 422,
      body: { field: 'profile', error: 'profile is "slow"; wanted is one of: instant, fast, realistic.' },
    })
    expect((await lab.call('PUT', '/_lab/profile', { profile: 'instant' })).body).toMatchObject({ profile: 'instant' })
    expect((await lab.call('GET', '/_lab/status')).body).toMatchObject({ profile: 'instant', seed: 1 })
  } finally {
    await lab.remove()
  }
})
