import type { ProbeOutcome } from '../../contracts/failover'
import { verdictOf } from '../../workflows/failover/quorum'

const of = (...outcomes: ProbeOutcome[]) => verdictOf(outcomes.map((outcome) => ({ outcome })))

test.each<[string, ProbeOutcome[], string]>([
  ['all met silence', ['silent', 'silent', 'silent'], 'dead'],
  ['one worker is away', ['silent', 'silent', 'unknown'], 'dead'],
  ['one alone met silence: its own path may be cut', ['silent', 'unknown', 'unknown'], 'ill'],
  ['one alone, and nobody else was asked', ['silent'], 'ill'],
  ['as many do not know as met silence', ['silent', 'silent', 'unknown', 'unknown'], 'ill'],
  ['somebody was answered, the others were not', ['silent', 'silent', 'silent', 'answered'], 'ill'],
  ['somebody was served, whatever the others met', ['silent', 'silent', 'silent', 'served'], 'healthy'],
  ['nobody could ask', ['unknown', 'unknown', 'unknown'], 'ill'],
  ['nobody was asked', [], 'ill'],
])('%s', (_what, outcomes, verdict) => {
  expect(of(...outcomes)).toBe(verdict)
})
