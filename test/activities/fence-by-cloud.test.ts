/** What counts as proof of a fence through a cloud, and what keeps it. Seen for real: test/e2e/cloud-fence.crash.ts. */
import { type Act, runAct } from '../../activities/act'
import type { ActivityDeps } from '../../activities/deps'
import { createInstanceFenceActivities } from '../../activities/instance-fence/instance-fence'
import { judge } from '../../activities/instance-fence/proof'
import { failure } from '../../contracts/failures'
import type { FencedInstance, FenceState } from '../../contracts/instance-fence'

const said = (state: FenceState['state'], lettingIn: readonly string[] = []): FenceState => ({
  ...{ state, lettingIn, cloudState: state === 'gone' ? null : state },
  at: '2026-11-30T09:00:00.000Z',
})
type Seen = Parameters<typeof judge>[0]
const judged = (state: FenceState, knock: Seen['knock'], witness: Seen['witness']) => {
  const { newConnectionsRefused, oldOnesDead, proven } = judge({ said: state, knock, witness, means: ['networks', 'stop'] })
  return [newConnectionsRefused, oldOnesDead, proven]
}

test.each<readonly [string, FenceState, Seen['knock'], Seen['witness'], readonly unknown[]]>([
  ['stopped, nobody listens, and ours is dead', said('stopped'), 'refused', 'dead', [true, true, true]],
  ['stopped, whatever its rules say', said('stopped', ['10.0.0.0/8']), 'refused', 'none', [true, true, true]],
  ['gone', said('gone'), 'refused', 'dead', [true, true, true]],
  ['gone, and another has its address', said('gone'), 'in', 'dead', [true, true, true]],
  ['gone, and nothing answers', said('gone'), 'silent', 'none', [true, true, true]],
])('proven: %s', (_, state, knock, witness, expected) => {
  expect(judged(state, knock, witness)).toEqual(expected)
})

test.each<readonly [string, FenceState, Seen['knock'], Seen['witness'], readonly unknown[]]>([
  ['said to be stopped, and a connection from before lives', said('stopped'), 'refused', 'alive', [true, false, false]],
  ['said to be gone, and a connection from before lives', said('gone'), 'refused', 'alive', [false, false, false]],
  ['said to be stopped, and a server turns us away', said('stopped'), 'turned-away', 'none', [true, false, false]],
  ['said to be stopped, and we come in', said('stopped'), 'in', 'dead', [false, false, false]],
  ['closed alone: ours was ended, others may go on', said('running'), 'turned-away', 'dead', [true, 'unknown', false]],
  ['closed alone, and ours goes on', said('running'), 'turned-away', 'alive', [true, false, false]],
  ['still open to others', said('running', ['10.0.0.0/8']), 'turned-away', 'dead', [false, 'unknown', false]],
  ['being stopped', said('changing'), 'refused', 'dead', [true, 'unknown', false]],
  ['stopped, but its address was not found', said('stopped'), 'unasked', 'dead', [false, 'unknown', false]],
  ['not shown, in an account that may be another', said('unknown'), 'refused', 'dead', [false, 'unknown', false]],
  ['frozen: neither ours nor a new one hears anything', said('running'), 'silent', 'silent', [false, 'unknown', false]],
  [
    'said to be stopped, and nothing answers here: so does a path that is cut',
    said('stopped'),
    'silent',
    'none',
    [false, 'unknown', false],
  ],
  ['the same, and ours broke without a word', said('stopped'), 'silent', 'dead', [false, 'unknown', false]],
  [
    'the same, and the server ended ours, as somebody may who ends that one alone',
    said('stopped'),
    'silent',
    'ended',
    [false, 'unknown', false],
  ],
  ['closed alone, and the server ended ours', said('running'), 'silent', 'ended', [false, 'unknown', false]],
])('not proven: %s', (_, state, knock, witness, expected) => {
  expect(judged(state, knock, witness)).toEqual(expected)
})

test('whoever could contradict is waited for no longer only where its machine refused us, or it is gone', () => {
  const states = ['running', 'changing', 'stopped', 'gone', 'unknown'] as const
  const knocks = ['in', 'speaks', 'stands', 'turned-away', 'refused', 'silent', 'unasked'] as const
  const witnesses = ['alive', 'ended', 'dead', 'silent', 'none'] as const
  const seen = states.flatMap((state) =>
    knocks.flatMap((knock) =>
      witnesses.map((witness) => ({ state, knock, proof: judge({ said: said(state), knock, witness, means: [] }) })),
    ),
  )
  const proven = seen.filter(({ proof }) => proof.proven)
  expect(proven.length).toBeGreaterThan(0)
  expect(proven.filter(({ state, knock }) => state !== 'gone' && !(state === 'stopped' && knock === 'refused'))).toEqual([])
})

/** An instance that runs, as its cloud shows it, and the ledger's row of its fence. What is ordered of the cloud is noted alone. */
function watched(shown: { rules?: string[]; beyondRules?: string[] }, row: Partial<FencedInstance>, busy = false) {
  const ordered: string[] = []
  const instance = {
    name: 'shop',
    instanceId: 'id-1',
    state: 'ready',
    cloudState: 'Ready',
    account: 'a',
    endpoint: { host: 'h', port: 1 },
  }
  const access = { instance, rules: [], ruleNames: {}, notGivenBack: [], beyondRules: [], unstoppable: null, ...shown }
  const order = (what: string) => async () => {
    ordered.push(what)
    return { done: false }
  }
  const cloud = {
    accessOf: async () => access,
    setNetworkRules: busy ? () => Promise.reject(failure('CLOUD_BUSY', 'Its network is being changed.')) : order('close'),
    startStop: order('stop'),
    startStart: order('start'),
  }
  let held = {
    instanceId: 'id-1',
    state: 'fenced',
    keep: 'stopped',
    leftIn: [],
    since: '2026-11-30T09:00:00.000Z',
    ...row,
  } as unknown as FencedInstance
  const database = { name: 'shop', cloud: 'azure', account: 'a', region: 'r', canary: { networks: [] } }
  const ledger = {
    getBundle: async () => ({ database }),
    getFence: async () => held,
    changeFence: async ({ keep = held.keep, look = held.look }: Partial<FencedInstance>) => {
      held = { ...held, keep, look }
    },
  }
  const acts = createInstanceFenceActivities({ ledger, cloudOf: () => cloud } as unknown as ActivityDeps)
  const act = {
    attempt: 1,
    signal: new AbortController().signal,
    stale: () => false,
    isCurrent: async () => true,
  } as unknown as Act
  const ref = { operation: 'dead', step: 'fence', bundle: 'b', target: { instance: 'shop', instanceId: 'id-1' } }
  return {
    ordered,
    row: () => held,
    letUsIn: () => runAct(act, () => acts.letUsIn({ ...ref, by: 'ada', reason: 'salvage' })),
    look: () => runAct(act, () => acts.reassertFence(ref)),
  }
}

test.each([{ beyondRules: ['a private endpoint'] }, { rules: ['10.0.0.0/8'] }])(
  'one that is not started for us, since others would come in too, is stopped again whoever starts it: %j',
  async (shown) => {
    const shop = watched(shown, {})
    await expect(shop.letUsIn()).rejects.toMatchObject({ code: 'FENCE_REFUSED' })
    expect(shop.row().keep).toBe('stopped')
    await shop.look()
    expect(shop.ordered).toContain('stop')
  },
)

test('one that runs for us is left running, and stopped once others come in by a way that no rule closes', async () => {
  const shop = watched({}, {})
  await expect(shop.letUsIn()).resolves.toBeDefined()
  expect(shop.row().keep).toBe('closed')
  expect((await shop.look()).look.found).toBeNull()
  const since = watched({ beyondRules: ['a private endpoint'] }, { keep: 'closed' })
  expect((await since.look()).look.found).toContain('stopped again')
  expect(since.ordered).toEqual(['stop'])
})

test('while it is being fenced its networks are closed before it is stopped, and not for ever', async () => {
  const open = { rules: ['10.0.0.0/8'] }
  const now = watched(open, { state: 'fencing', since: new Date().toISOString() })
  expect((await now.look()).look.found).toContain('once it is closed')
  expect(now.ordered).toEqual(['close'])
  const long = watched(open, { state: 'fencing' })
  await long.look()
  expect(long.ordered).toEqual(['close', 'stop'])
})

test('one whose cloud is busy with that very closing is not stopped ahead of it', async () => {
  const open = { rules: ['10.0.0.0/8'] }
  const now = watched(open, { state: 'fencing', since: new Date().toISOString() }, true)
  expect((await now.look()).look.found).toContain('once it is closed')
  expect(now.ordered).toEqual([])
  const long = watched(open, { state: 'fencing' }, true)
  await long.look()
  expect(long.ordered).toEqual(['stop'])
})
