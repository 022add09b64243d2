/** What counts as proof of a fence through a cloud. Seen for real: test/e2e/cloud-fence.crash.ts; what keeps it: fence-kept.test.ts. */
import { judge } from '../../activities/instance-fence/proof'
import type { FenceState } from '../../contracts/instance-fence'

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
