/** Orders to the lab: it refuses them itself, and the command passes its sentence on. */
import { FAILURE_KINDS, FAILURES, type FailureCode } from '../../../contracts/failures'
import { type BadInput, HOSTILE } from '../support/bad-input'

function asked(title: string, names: string, args: readonly string[], code: FailureCode = 'OPTION_INVALID'): BadInput {
  return {
    title,
    exit: FAILURE_KINDS[FAILURES[code]].exit,
    code,
    names,
    given: ({ lab }) => ({ args: ['lab', ...args], env: { CAPSTAN_LAB_API: lab.api, CAPSTAN_LAB_TOKEN: lab.token } }),
  }
}

const fault = (title: string, names: string, ...args: string[]) => asked(title, names, ['fault', ...args])

export const LAB: readonly BadInput[] = [
  fault('no kind', 'kind'),
  fault('a mistyped kind', 'throttle', 'throtle'),
  fault('a kind that writes to the terminal', '\\u001b', HOSTILE),
  fault('a mistyped operation', 'CreateDBSnapshot', 'throttle', 'CreateDBSnapshots'),
  fault('an operation that the kind cannot strike', 'CreateDBInstance', 'fail-operation', 'DescribeDBInstances'),
  fault('a count of none', '--times', 'throttle', '--times', '0'),
  fault('a chance above one', '--probability', 'throttle', '--probability', '1.5'),
  fault('a chance in words', '--probability', 'throttle', '--probability', 'often'),
  fault('a seed below zero', '--seed', 'throttle', '--seed', '-1'),
  fault('a time that is none', 'for', 'throttle', '--for', 'ever'),
  fault('an end in the past', 'until', 'throttle', '--until', '2020-01-01T00:00:00Z'),
  fault('an end that is no time', 'until', 'throttle', '--until', 'tomorrow'),
  fault('two ends', 'until', 'throttle', '--for', '1m', '--until', '2999-01-01T00:00:00Z'),
  fault('two ages', 'reads', 'stale-reads', '--lag', '1s', '--reads', '2'),
  fault('a setting of another kind', 'code', 'throttle', '--code', 'InternalFailure'),
  fault('an error that the cloud does not have', 'InternalFailure', 'fail', '--code', 'InternalFailur'),
  fault('an instance that is not there', 'instance', 'crash-instance', '--instance', 'shop'),
  fault('no instance', 'instance', 'crash-instance'),
  fault('an instance with a slash', 'instance', 'throttle', '--instance', '../shop'),
  fault('another cloud', 'cloud', 'throttle', '--cloud', 'oracle'),
  fault('a region in capitals', 'region', 'throttle', '--region', 'EU-CENTRAL-1'),
  asked('a fault to take back that is not there', 'f99', ['fault', 'clear', 'f99'], 'LAB_REFUSED'),
  asked('a profile that is none', 'realistic', ['profile', 'slow']),
  asked('a mark that is none', 'since', ['calls', '--since', 'yesterday']),
]
