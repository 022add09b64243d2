/** RDS's refusal of too many requests, before anything is done. The SDK tries again by itself: three times in all. */
import { AwsError } from '../errors'
import { type AwsFaultKind, CALLS } from './kind'

export const throttle: AwsFaultKind = {
  ...CALLS,
  summary: 'Throttling: Rate exceeded, before anything is done',
  before: () => new AwsError('Throttling', 'Rate exceeded'),
}
