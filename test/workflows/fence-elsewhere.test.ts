/** What other places of the network make of an instance that its cloud calls stopped, and that the first place heard nothing of. */
import type { Probe } from '../../contracts/failover'
import type { CloudFenceProof } from '../../contracts/instance-fence'
import { holdsStill, withElsewhere } from '../../workflows/keep-fenced/elsewhere'

const proof = (more: Partial<CloudFenceProof>): CloudFenceProof => ({
  ...{ newConnectionsRefused: false, oldOnesDead: 'unknown', proven: false, gone: false, means: ['stop'], evidence: ['own'] },
  at: '2026-11-30T09:00:00.000Z',
  ...more,
})
const silent: Probe = { from: 'the worker of gcp', outcome: 'silent', said: 'no answer', rounds: 1 }
const refused: Probe = { from: 'the standby', outcome: 'silent', said: 'nobody listens there', rounds: 1, refused: true }
const answered: Probe = { from: 'the worker of aws', outcome: 'answered', said: 'PostgreSQL answers', rounds: 1 }
const unknown: Probe = { from: 'the worker of azure', outcome: 'unknown', said: 'no worker took it up', rounds: 0 }

test.each<readonly [string, CloudFenceProof, readonly Probe[], boolean, CloudFenceProof['oldOnesDead']]>([
  ['silence everywhere', proof({ silence: true }), [silent, unknown], false, 'unknown'],
  ['one was told that nobody listens', proof({ silence: true }), [silent, refused], true, true],
  ['one was answered, whoever else was told so', proof({ silence: true }), [refused, answered], false, false],
  ['told so ourselves, and one was answered', proof({ proven: true, oldOnesDead: true }), [answered], false, false],
  ['told so ourselves, and others meet silence', proof({ proven: true, oldOnesDead: true }), [silent], true, true],
  ['a connection from before lives, whoever was told what', proof({ oldOnesDead: false }), [refused], false, false],
  ['gone, and another has its address', proof({ gone: true, proven: true, oldOnesDead: true }), [answered], true, true],
  ['it is not said to be stopped', proof({}), [refused], false, 'unknown'],
  ['nobody else was asked', proof({ silence: true }), [], false, 'unknown'],
])('%s', (_what, own, knocks, proven, oldOnesDead) => {
  const seen = withElsewhere(own, knocks)
  expect([seen.proven, seen.oldOnesDead]).toEqual([proven, oldOnesDead])
  expect('silence' in seen).toBe(!seen.proven && oldOnesDead === 'unknown' && own.silence === true)
})

test.each<readonly [string, CloudFenceProof, readonly Probe[], boolean]>([
  ['nobody hears anything', proof({ silence: true }), [silent, unknown], true],
  ['another place is refused', proof({ silence: true }), [refused], true],
  ['we are silent, and another place is answered', proof({ silence: true }), [silent, answered], false],
  ['we are refused, and another place is answered', proof({ proven: true, oldOnesDead: true }), [answered], false],
  ['a server speaks to us', proof({ oldOnesDead: false }), [silent], false],
])('the last look before the opening, of what was proven to have ended: %s', (_what, own, knocks, holds) => {
  expect(holdsStill(withElsewhere(own, knocks))).toBe(holds)
})

test('who met what is evidence', () => {
  expect(withElsewhere(proof({ silence: true }), [silent, refused]).evidence).toEqual([
    ...['own', 'From the worker of gcp: silent, no answer.'],
    'From the standby: silent, nobody listens there.',
  ])
})
